"""What an interface says: C types, declarations and their contract clauses.

The reader in `asmith.contract` makes these values; everything else only reads them. Two views of
an interface leave this module: the *declarations* (for layout, checks, proxies and banners) and the
*surface* (for staleness): one `Entry` a name, with the canonical texts that traces record.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NewType

from asmith.dataclass import dataclass, field
from asmith.model.names import Digest, InterfaceName, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

# ---- types ---------------------------------------------------------------------------------------


class Class(StrEnum):
    """What a scalar is for the calling convention (System V psABI 3.2.3)."""

    VOID = "void"
    INTEGER = "integer"  # _Bool, char .. long long, __int128, enums
    SSE = "sse"  # float, double
    X87 = "x87"  # long double
    VECTOR = "vector"  # __m128, __m256, __m512


@dataclass(frozen=True, slots=True)
class Scalar:
    """A basic type under its canonical C spelling (`unsigned long`, never `size_t`)."""

    name: str
    size: int  # bytes; 0 for void
    align: int  # bytes
    kind: Class
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer; `const` says that its target is const-qualified."""

    target: CType
    const: bool = False


@dataclass(frozen=True, slots=True)
class Array:
    """An array of `count` elements; None for a flexible or unsized one.

    `spelled` is the constant's name where the source writes one (`char name[NAME_MAX]`): canonical
    texts keep it, so a new value of the constant is no new type.
    """

    element: CType
    count: int | None
    spelled: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Named:
    """A struct, union or enum by its tag; its definition is in `Interface.types`, if it has one."""

    keyword: str  # "struct", "union" or "enum"
    tag: str


@dataclass(frozen=True, slots=True)
class FunctionType:
    """The type of a function, as function pointers carry it, with its own contract if it has one.

    `names` are the parameters' names (empty where the source gives none), `clauses` the contract
    that every function stored under this type must keep. Neither takes part in equality: two
    function types are compatible in C by their types alone.
    """

    result: CType
    parameters: tuple[CType, ...]
    variadic: bool = False
    names: tuple[str, ...] = field(default=(), compare=False)
    clauses: tuple[Clause, ...] = field(default=(), compare=False)


CType = Scalar | Pointer | Array | Named | FunctionType

# ---- terms and clauses ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """An integer literal; `character` says that it was written as one (`'a'`).

    `type` is the C type that its spelling gives it, which constant expressions compute in.
    """

    value: int
    character: bool = False
    type: str = field(default="int", compare=False)


class Role(StrEnum):
    """What a name in a term stands for."""

    PARAMETER = "parameter"
    CONSTANT = "constant"
    DATA = "data"
    FUNCTION = "function"
    BOUND = "bound"  # by a quantifier
    GHOST = "ghost"  # errno


@dataclass(frozen=True, slots=True)
class Name:
    """A name and what it stands for."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator and its operands: one (`! - ~ * &`), two (`==>` among them) or three (`?:`)."""

    operator: str
    operands: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """`object.field`, or `object->field` where `arrow`."""

    object: Term
    field: str
    arrow: bool


@dataclass(frozen=True, slots=True)
class Index:
    """`array[index]`; the index may be a `Range`."""

    array: Term
    index: Term


@dataclass(frozen=True, slots=True)
class Range:
    """`low .. high`, both included; either may be left out."""

    low: Term | None
    high: Term | None


@dataclass(frozen=True, slots=True)
class OfType:
    """`sizeof(type)`, or with an operand the cast `(type) operand`."""

    type: CType
    operand: Term | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    r"""A built-in word and its arguments: `\result`, `\null`, `\valid(p)`, `\old(x)`."""

    word: str
    arguments: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Quantified:
    r"""`\forall` or `\exists` over integers, each bounded by the start of `body`."""

    word: str
    variables: tuple[tuple[str, CType | None], ...]  # None: a mathematical integer
    body: Term


Term = Number | Name | Operation | Member | Index | Range | OfType | Applied | Quantified


@dataclass(frozen=True, slots=True)
class Predicate:
    """Of `requires`, `ensures` and `outcome NAME: predicate`; `name` is the outcome's."""

    term: Term
    name: str = ""


@dataclass(frozen=True, slots=True)
class Locations:
    r"""Of `assigns`, `takes`, `releases`, `mutates`: what it is about; empty for `\nothing`.

    `source` is the F of `acquires x by F` and the y of `borrows x from y`.
    """

    terms: tuple[Term, ...]
    source: Term | None = None


@dataclass(frozen=True, slots=True)
class Words:
    r"""Of every other clause: registers, names, quoted texts, `N` of `stack` (bytes).

    `pairs` are those of `in` and `out`: a register, and a parameter's name or `\result`.
    """

    words: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()


ClauseBody = Predicate | Locations | Words

# ---- declarations --------------------------------------------------------------------------------


class Audience(StrEnum):
    """Whom a clause matters to."""

    CALLER = "caller"  # callers and the implementer
    IMPLEMENTER = "implementer"  # the implementer alone
    NOBODY = "nobody"  # nobody's staleness: waivers


@dataclass(frozen=True, slots=True)
class Clause:
    """One contract clause: its keyword, its canonical text after it, and whom it matters to.

    `body` is the clause as a value, for checks and for verification at run time; `text` is rendered
    from it, so two clauses that say the same have the same text.
    """

    keyword: str  # "requires", "ensures", "assigns", "stack", "isa", "waive", ...
    text: str
    audience: Audience
    line: int = 0
    body: ClauseBody | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named parameter of a function."""

    name: str
    type: CType


@dataclass(frozen=True, slots=True)
class Function:
    """A function declaration with its clauses, in source order."""

    name: str
    result: CType
    parameters: tuple[Parameter, ...]
    variadic: bool = False
    noreturn: bool = False
    clauses: tuple[Clause, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Data:
    """An `extern` object."""

    name: str
    type: CType
    const: bool = False
    clauses: tuple[Clause, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Constant:
    """An integer or string constant: an object-like `#define` or an enumerator."""

    name: str
    value: int | str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a struct or union, placed: offset and size in bytes."""

    name: str
    type: CType
    offset: int
    size: int
    clauses: tuple[Clause, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A complete struct, union or enum, laid out (psABI 3.1.2)."""

    keyword: str
    tag: str
    fields: tuple[Field, ...]  # none for an enum
    size: int
    align: int
    packed: bool = False
    line: int = 0
    anonymous: bool = False  # it has no tag in C: `tag` is the name of its typedef

    @property
    def spelling(self) -> str:
        """Return the type as C spells it: `struct buffer`, or `point` for a typedef without tag."""
        return self.tag if self.anonymous else f"{self.keyword} {self.tag}"


@dataclass(frozen=True, slots=True)
class Library:
    """The system library behind an external interface: `asm library "libpq" header ...`."""

    name: str
    headers: tuple[str, ...] = ()


# ---- surface -------------------------------------------------------------------------------------

Subject = NewType("Subject", str)
"""A name within an interface as traces spell it: `json_string`, `BUFFER_MAX`, `buffer.len`."""


class EntryKind(StrEnum):
    """What an entry of a surface is."""

    FUNCTION = "function"
    DATA = "data"
    CONSTANT = "constant"
    FIELD = "field"
    TYPE = "type"  # the size of a struct or union


@dataclass(frozen=True, slots=True)
class Entry:
    """One name that an interface offers, with what traces and stamps record of it.

    `caller` is the canonical text that importers depend on, `implementer` the text (a superset)
    that the module behind it depends on. `value` is what assembling depends on besides: a
    constant's value, a field's offset and size, a struct's size; empty for functions and data.
    `nasm` is the name by which assembly text uses it (`t_buffer.len`), unescaped.
    """

    interface: InterfaceName
    subject: Subject
    kind: EntryKind
    nasm: str
    caller: str
    implementer: str
    value: str = ""

    @property
    def qualified(self) -> str:
        """Return `interface.subject`, the name that records and messages use."""
        return f"{self.interface}.{self.subject}"

    def caller_digest(self) -> Digest:
        """Return the digest that an importer's trace holds."""
        return digest_of("caller", self.caller)

    def implementer_digest(self) -> Digest:
        """Return the digest that the implementer's trace holds."""
        return digest_of("implementer", self.implementer)


@dataclass(frozen=True, slots=True)
class Interface:
    """A whole interface, read and laid out.

    `types` maps a tag to every complete aggregate that is visible in it (own and included);
    `own_*` names are what this file itself declares. `surface` covers own declarations only.
    """

    name: InterfaceName
    path: str  # relative to the project root
    digest: Digest  # of the file's bytes
    includes: tuple[InterfaceName, ...] = ()
    functions: Mapping[str, Function] = field(default_factory=dict)
    data: Mapping[str, Data] = field(default_factory=dict)
    constants: Mapping[str, Constant] = field(default_factory=dict)
    aggregates: Mapping[str, Aggregate] = field(default_factory=dict)
    types: Mapping[str, Aggregate] = field(default_factory=dict)
    surface: Mapping[Subject, Entry] = field(default_factory=dict)
    library: Library | None = None
    clauses: tuple[Clause, ...] = ()  # of the file itself

    @property
    def has_module(self) -> bool:
        """Tell whether some module must implement it: it declares functions or data of its own."""
        return self.library is None and bool(self.functions or self.data)
