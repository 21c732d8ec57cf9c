"""What is noted of an instruction while it is run: facts, which the rules then judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asmith.check.flow.values import RSP_AT_ENTRY, SHIFT

if TYPE_CHECKING:
    from asmith.check.flow.contracts import Convention
    from asmith.check.flow.summary import Summary
    from asmith.check.flow.symbols import Target

Registers = tuple[int, ...]


class Exit(NamedTuple):
    """The function is left: by `ret`, or by a "jump" to `target` (None: unknown)."""

    address: int
    registers: Registers
    kind: str
    target: Target | None = None
    popped: int = 0  # bytes that `ret N` takes besides

    @property
    def verb(self) -> str:
        """Return in words what the function does here."""
        return "returns" if self.kind == "ret" else "leaves by a jump"


class Call(NamedTuple):
    """A call, with the registers before it; `summary` is what it does."""

    address: int
    registers: Registers
    target: Target | None
    summary: Summary
    convention: Convention | None = None

    @property
    def name(self) -> str:
        """Return the name of an external callee, or nothing."""
        return self.target.name if self.target is not None else ""

    @property
    def verb(self) -> str:
        """Return in words what the function does here."""
        return f"calls {self.name or 'a function'}"

    @property
    def is_local(self) -> bool:
        """Tell whether the callee is of this object."""
        return self.target is not None and self.target.address is not None


class Junk(NamedTuple):
    """A value that nobody defined is used: in `register`, or (-1) one that was in a slot."""

    address: int
    use: str
    register: int
    value: int


class Beyond(NamedTuple):
    """A jump table has so many `entries`, and the index is `low` to `high` (None: anything)."""

    address: int
    entries: int
    low: int
    high: int | None


class Cut(NamedTuple):
    """rsp becomes the low half of an address."""

    address: int


class StackFault(NamedTuple):
    """More is taken from the x87 register stack than is on it, or more put on it than fits."""

    address: int
    depth: int


class Blank(NamedTuple):
    """The instruction reads of the frame what no path to it has stored there."""

    address: int


class Narrow(NamedTuple):
    """All 64 bits of a value are used of which only the low 32 are defined."""

    address: int
    use: str
    register: int
    value: int


class Computed(NamedTuple):
    """An indirect jump to a computed value that is no entry of a table."""

    address: int


class Unchecked(NamedTuple):
    """A result that may say a failure is used, and nothing has looked at it before."""

    address: int
    use: str
    register: int
    value: int


class Leak(NamedTuple):
    """The function is left, and what the call at `call` gave it has not been released."""

    address: int
    call: int


class AfterRelease(NamedTuple):
    """A value is used that was released before; the call at `call` gave it."""

    address: int
    call: int
    register: int


class ReadOnly(NamedTuple):
    """A store into a section that cannot be written."""

    address: int
    section: str


class Unreached(NamedTuple):
    """An instruction that no path reaches, with `size` bytes of such code from it on."""

    address: int
    size: int


class Misaligned(NamedTuple):
    """An access needs a multiple of `needed` bytes, and its address is one plus `left`."""

    address: int
    needed: int
    left: int


class Access(NamedTuple):
    """An access of `size` bytes at a distance from where a parameter, in `register`, points."""

    address: int
    register: int
    offset: int
    size: int


class Overwrite(NamedTuple):
    """A store to the return address or above it, `size` bytes at the stack address `key`."""

    address: int
    key: int
    size: int
    value: int

    @property
    def offset(self) -> int:
        """Return the distance in bytes from the return address."""
        return (self.key - RSP_AT_ENTRY) >> SHIFT


class Overrun(NamedTuple):
    """An access, or rsp, can go `by` bytes too far: how far is shown by numbers that fit the path.

    `what` it goes beyond: the end of a "part" of computed size, or "below" rsp from there; the
    place where `register` is "saved" (rsp: the return address); or "rsp" goes above that, or the
    "size" is no frame's.
    It is "blank" what was never stored there, or has a "hole" of such bytes.
    """

    address: int
    what: str
    by: int
    stores: bool
    register: int = -1


class Broken(NamedTuple):
    """A run on arguments (`given` in words) has shown what must not be.

    `what`: the "outcome" depends on what nothing has set; `register` is not "saved"; the "caller"
    is overwritten; control goes "nowhere"; a call is "misaligned", or passes
    an address "below" rsp; the "direction" flag is set; the
    "x87" stack is not as it must be.
    """

    address: int
    what: str
    given: str
    register: int = -1


class Below(NamedTuple):
    """An access below the red zone."""

    address: int
    distance: int


class Out(NamedTuple):
    """The instruction at `address` is the last one of the function, and goes on behind it."""

    address: int
    next: int


class JumpOut(NamedTuple):
    """A jump to code that is not the function's."""

    address: int
    target: int


class Split(NamedTuple):
    """A jump to `within` bytes behind the start of an instruction."""

    address: int
    target: int
    within: int


class Invalid(NamedTuple):
    """Bytes that are no instruction."""

    address: int


class Passed(NamedTuple):
    """What a call, or a jump in its place, passes to a callee that asks something of it.

    `given` has what is known of each argument that is in one general register: all the numbers
    that it may be, by its type.
    """

    address: int
    convention: Convention
    given: dict[str, tuple[int, int]]


class Handed(NamedTuple):
    """The address of a function is passed or stored where it is called as another one is."""

    address: int
    given: Convention
    wanted: Convention
    stored: bool


Event = (
    Access
    | Handed
    | Passed
    | Misaligned
    | Exit
    | Call
    | Junk
    | Blank
    | Broken
    | Beyond
    | StackFault
    | Cut
    | Narrow
    | Computed
    | Unchecked
    | Leak
    | AfterRelease
    | ReadOnly
    | Unreached
    | Overwrite
    | Overrun
    | Below
    | Out
    | JumpOut
    | Split
    | Invalid
)
