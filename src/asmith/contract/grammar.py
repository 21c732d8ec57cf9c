r"""The clauses of a contract: what each is called, whom it matters to, what it says.

This table drives the parser, the surface and the reference page alike.
"""

from __future__ import annotations

from enum import Enum

from asmith.dataclass import dataclass
from asmith.model.contract import Audience


class Shape(Enum):
    """What follows the keyword of a clause."""

    PREDICATE = "predicate"
    LOCATIONS = "location, ..."
    POINTERS = "pointer, ..."
    OUTCOME = "name: predicate"
    ACQUIRES = "pointer by function"
    BORROWS = "\\result from pointer"
    BYTES = "number of bytes"
    LEVEL = "level"
    NOTHING = ""
    REGISTERS = "register, ..."
    PLACES = "register = parameter, ..."
    WAIVER = 'RULE "reason"'
    LIBRARY = '"name" header "file.h" ...'


@dataclass(frozen=True, slots=True)
class ClauseKind:
    """One kind of clause. `acsl` tells a keyword of ACSL from one that stands after `asm`.

    `after` says that its terms speak of the state after the call; `once` that a declaration has at
    most one; `example` is a whole clause.
    """

    keyword: str
    shape: Shape
    audience: Audience
    meaning: str
    example: str
    acsl: bool = False
    after: bool = False
    once: bool = False
    file: bool = False

    @property
    def spelled(self) -> str:
        """Return the keyword as a header spells it."""
        return self.keyword if self.acsl else f"asm {self.keyword}"


_CALLER, _IMPLEMENTER, _NOBODY = Audience.CALLER, Audience.IMPLEMENTER, Audience.NOBODY

CLAUSES = {
    kind.keyword: kind
    for kind in (
        ClauseKind(
            "requires",
            Shape.PREDICATE,
            _CALLER,
            "holds at every call: the caller's duty",
            "requires \\valid_read(s + (0 .. n-1));",
            acsl=True,
        ),
        ClauseKind(
            "assigns",
            Shape.LOCATIONS,
            _CALLER,
            "all that a call may change; `\\nothing` for a pure function",
            "assigns *out, out->data[0 .. out->cap-1];",
            acsl=True,
            after=True,
        ),
        ClauseKind(
            "ensures",
            Shape.PREDICATE,
            _CALLER,
            "holds after every call: the implementer's duty",
            "ensures \\result == 0 || \\result == -1;",
            acsl=True,
            after=True,
        ),
        ClauseKind(
            "outcome",
            Shape.OUTCOME,
            _CALLER,
            "a failure, by name, that every caller must survive",
            "asm outcome out_of_memory: \\result == -1;",
            after=True,
        ),
        ClauseKind(
            "acquires",
            Shape.ACQUIRES,
            _CALLER,
            "the caller now owns what the pointer points to, and releases it by that function",
            "asm acquires \\result by pool_free;",
            after=True,
        ),
        ClauseKind(
            "releases",
            Shape.POINTERS,
            _CALLER,
            "what the pointer points to is gone after the call",
            "asm releases p;",
        ),
        ClauseKind(
            "takes",
            Shape.POINTERS,
            _CALLER,
            "what the pointer points to belongs to the callee from now on",
            "asm takes p;",
        ),
        ClauseKind(
            "borrows",
            Shape.BORROWS,
            _CALLER,
            "the result points into the other object and dies with it",
            "asm borrows \\result from b;",
            after=True,
        ),
        ClauseKind(
            "mutates",
            Shape.POINTERS,
            _CALLER,
            "an object that only its own library can look into is changed",
            "asm mutates conn;",
        ),
        ClauseKind(
            "clobbers",
            Shape.REGISTERS,
            _CALLER,
            "callee-saved registers that this function changes all the same",
            "asm clobbers rbx, r12;",
        ),
        ClauseKind(
            "preserves",
            Shape.REGISTERS,
            _CALLER,
            "caller-saved registers that this function leaves alone",
            "asm preserves rcx, rdx;",
        ),
        ClauseKind(
            "in",
            Shape.PLACES,
            _CALLER,
            "parameters that arrive in other registers than the ABI's",
            "asm in rax = n;",
            once=True,
        ),
        ClauseKind(
            "out",
            Shape.PLACES,
            _CALLER,
            "a result that leaves in another register than the ABI's",
            "asm out rdx = \\result;",
            once=True,
        ),
        ClauseKind(
            "stack",
            Shape.BYTES,
            _IMPLEMENTER,
            "bytes of stack that the function's own frame may use",
            "asm stack 128;",
            once=True,
        ),
        ClauseKind(
            "isa",
            Shape.LEVEL,
            _IMPLEMENTER,
            "the x86-64 level whose instructions it may use; `x86-64` without the clause",
            "asm isa x86-64-v3;",
            once=True,
        ),
        ClauseKind(
            "dispatch",
            Shape.NOTHING,
            _IMPLEMENTER,
            "it chooses by CPUID among variants of several levels",
            "asm dispatch;",
            once=True,
        ),
        ClauseKind(
            "waive",
            Shape.WAIVER,
            _NOBODY,
            "one rule is not applied here, and why",
            'asm waive ABI007 "the frame is shared with the signal handler";',
        ),
        ClauseKind(
            "library",
            Shape.LIBRARY,
            _NOBODY,
            "a system library implements this interface; its real headers, for comparison",
            'asm library "libpq" header "libpq-fe.h";',
            once=True,
            file=True,
        ),
    )
}

LEVELS = ("x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4")
"""The micro-architecture levels of the psABI (section 3.1.1), the baseline first."""

CALLEE_SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")
CALLER_SAVED = ("rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11")
VECTORS = tuple(f"xmm{n}" for n in range(32))
MASKS = tuple(f"k{n}" for n in range(8))
REGISTERS = (*CALLER_SAVED, *CALLEE_SAVED, *VECTORS, *MASKS)
"""The registers that a private convention may speak of, caller-saved ones first. A vector register
is named by its xmm part and means the whole of it."""

UNSUPPORTED = frozenset((
    "terminates", "decreases", "behavior", "assumes", "complete", "disjoint", "exits",
    "allocates", "frees", "logic", "predicate", "axiomatic", "invariant", "ghost", "lemma",
    "type", "loop", "assert", "breaks", "continues", "returns", "global",
))  # fmt: skip
"""Clauses of ACSL that mean something there, but nothing here."""
