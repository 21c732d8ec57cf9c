"""From syntax to types: names resolved, parameters adjusted, aggregates laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from asmith.contract import layout
from asmith.contract.basic import VECTORS, VOID, basic, is_word
from asmith.contract.syntax import ArrayOf, Base, Enumeration, FunctionOf, PointerTo, Record
from asmith.dataclass import dataclass, field, replace
from asmith.errors import UsageError
from asmith.model.contract import (
    Aggregate,
    Array,
    Class,
    Constant,
    Field,
    FunctionType,
    Name,
    Named,
    Pointer,
    Scalar,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.contract.evaluate import Value
    from asmith.contract.scope import Scope, Typedef
    from asmith.contract.syntax import Declared, TypeSyntax
    from asmith.errors import Place
    from asmith.model.contract import Clause, CType

    Contract = Callable[["CType", tuple[int, ...]], tuple[Clause, ...]]

MAX_PARAMETERS = 127
"""A prototype may have this many parameters: what C17 5.2.4.1 promises."""


@dataclass(frozen=True, slots=True)
class Qualified:
    """A resolved type, its own const qualifier, and the typedef it was named by, if any."""

    type: CType
    const: bool = False
    typedef: Typedef | None = None


@dataclass(slots=True)
class Types:
    """Resolves the types of one interface and collects the aggregates and constants it defines.

    `contract` reads the clause blocks of a member that is a function pointer.
    """

    path: str
    scope: Scope
    contract: Contract
    aggregates: dict[str, Aggregate] = field(default_factory=dict)
    constants: dict[str, Constant] = field(default_factory=dict)

    def resolve(self, syntax: TypeSyntax, *, alias: str = "") -> Qualified:
        """Return the type that `syntax` denotes.

        `alias` is the name of the typedef being declared, which names a struct without a tag.
        Raises UsageError for whatever C or the subset forbids.
        """
        match syntax:
            case Base():
                return self._base(syntax)
            case PointerTo(target, const):
                inner = self.resolve(target)
                return Qualified(Pointer(inner.type, inner.const), const)
            case ArrayOf():
                return self._array(syntax)
            case FunctionOf():
                return Qualified(self._function(syntax))
            case Record():
                return Qualified(self._record(syntax, alias), syntax.const)
            case Enumeration():
                return Qualified(self._enumeration(syntax, alias), syntax.const)
            case _:  # pragma: no cover
                assert_never(syntax)

    def _base(self, syntax: Base) -> Qualified:
        words = syntax.words
        if len(words) == 1 and not is_word(words[0]):
            if words[0] in VECTORS:
                return Qualified(VECTORS[words[0]], syntax.const)
            found = self.scope.typedef(words[0], syntax.place)
            return Qualified(found.type, syntax.const or found.const, found)
        scalar = basic(words)
        if scalar is None:
            raise self._error(
                f"'{' '.join(words)}' is no type of the interface language", syntax.place
            )
        return Qualified(scalar, syntax.const)

    def _array(self, syntax: ArrayOf) -> Qualified:
        element = self.resolve(syntax.element)
        if isinstance(element.type, FunctionType) or element.type == VOID:
            raise self._error("an array of functions or of void", syntax.place)
        if isinstance(element.type, Array) and element.type.count is None:
            raise self._error("an array whose elements have no size", syntax.place)
        if syntax.count is None:
            return Qualified(Array(element.type, None), element.const)
        count = self.scope.evaluate(syntax.count, syntax.place).number
        if not 0 < count <= layout.MAX_SIZE:
            raise self._error(f"an array of {count} elements, expected at least 1", syntax.place)
        spelled = syntax.count.name if isinstance(syntax.count, Name) else ""
        return Qualified(Array(element.type, count, spelled), element.const)

    # ---- functions -------------------------------------------------------------------------------

    def _function(self, syntax: FunctionOf) -> FunctionType:
        """Return a function type, its parameters adjusted as C does (C17 6.7.6.3)."""
        result = self.resolve(syntax.result).type
        if isinstance(result, (Array, FunctionType)):
            raise self._error("a function that returns an array or a function", syntax.place)
        if syntax.parameters is None:
            raise self._error(
                "a function without a prototype",
                syntax.place,
                help_="write '(void)' for a function without parameters",
            )
        given = syntax.parameters
        if len(given) > MAX_PARAMETERS:
            raise self._error(
                f"{len(given)} parameters, expected at most {MAX_PARAMETERS}", syntax.place
            )
        alone = len(given) == 1 and given[0].name is None and not syntax.variadic
        if alone and self.resolve(given[0].type).type == VOID:
            given = ()
        names: list[str] = []
        types: list[CType] = []
        for number, one in enumerate(given, 1):
            name = one.name or f"arg{number}"
            if name in names:
                raise self._error(f"two parameters are named '{name}'", one.place)
            names.append(name)
            types.append(self._adjusted(one))
        if syntax.variadic and not types:
            raise self._error("'...' without a parameter before it", syntax.place)
        return FunctionType(result, tuple(types), syntax.variadic, tuple(names))

    def _adjusted(self, one: Declared) -> CType:
        found = self.resolve(one.type)
        match found.type:
            case Array(element, _):
                return Pointer(element, found.const)
            case FunctionType():
                return Pointer(found.type)
            case Scalar(kind=Class.VOID):
                raise self._error("a parameter of type void", one.place)
        return found.type

    # ---- aggregates ------------------------------------------------------------------------------

    def _tag(self, keyword: str, tag: str, place: Place) -> Named:
        """Return the named type, new or known under the same keyword."""
        known = self.scope.tags.setdefault(tag, keyword)
        if known != keyword:
            raise self._error(f"'{keyword} {tag}' is '{known} {tag}' elsewhere", place)
        return Named(keyword, tag)

    def _record(self, syntax: Record, alias: str) -> Named:
        tag = syntax.tag or alias
        if not tag:
            raise self._error(
                f"a {syntax.keyword} without a tag",
                syntax.place,
                help_="give it a tag, or a name by typedef; only a member without a name of its "
                "own may have none",
            )
        if syntax.members is not None and tag in self.scope.types:
            raise self._error(f"'{syntax.keyword} {tag}' is defined twice", syntax.place)
        if syntax.tag is None and tag in self.scope.tags:
            raise self._error(f"'{tag}' is already the tag of another type", syntax.place)
        named = self._tag(syntax.keyword, tag, syntax.place)
        if syntax.members is None:
            return named
        fields, size, align = self._members(syntax)
        self._define(
            Aggregate(
                syntax.keyword,
                tag,
                tuple(fields),
                size,
                align,
                syntax.packed,
                syntax.place.line or 0,
                anonymous=syntax.tag is None,
            )
        )
        return named

    def _define(self, aggregate: Aggregate) -> None:
        self.aggregates[aggregate.tag] = aggregate
        self.scope.types[aggregate.tag] = aggregate

    def _members(self, syntax: Record) -> tuple[list[Field], int, int]:
        """Return the fields, those of nameless members among them, with size and alignment."""
        if not syntax.members:
            raise self._error(f"a {syntax.keyword} without members", syntax.place)
        groups: list[list[Field]] = []  # one group a member; offsets relative to it
        extents: list[tuple[int, int]] = []
        for number, member in enumerate(syntax.members):
            group, extent = self._member(member, syntax)
            flexible = any(isinstance(f.type, Array) and f.type.count is None for f in group)
            if flexible and (number != len(syntax.members) - 1 or not number):
                raise self._error(
                    "an array without a size must be the last of several members", member.place
                )
            groups.append(group)
            extents.append(extent)
        try:
            offsets, size, align = layout.place(
                extents, union=syntax.keyword == "union", packed=syntax.packed
            )
        except UsageError as error:
            raise self.placed(error, syntax.place) from None
        fields: list[Field] = []
        seen: set[str] = set()
        for offset, group in zip(offsets, groups, strict=True):
            for one in group:
                if one.name in seen:
                    raise self._error(f"two members are named '{one.name}'", syntax.place)
                seen.add(one.name)
                at = offset + one.offset
                fields.append(Field(one.name, one.type, at, one.size, one.clauses, one.line))
        return fields, size, align

    def _member(self, one: Declared, outer: Record) -> tuple[list[Field], tuple[int, int]]:
        """Return the fields of one member, placed from 0, and its size and alignment."""
        if isinstance(one.type, Record) and one.type.members is not None:
            if one.name is None and one.type.tag is None:
                fields, size, align = self._members(one.type)
                return fields, (size, align)
            raise self._error(
                f"a {one.type.keyword} defined inside a {outer.keyword}",
                one.place,
                help_="define it before, under its own tag (C++ would hide it here)",
            )
        if one.name is None:
            raise self._error("a member without a name", one.place)
        found = self.resolve(one.type)
        if found.const:
            raise self._error(
                "a const member", one.place, help_="say in a clause what must not change"
            )
        if isinstance(found.type, FunctionType):
            raise self._error("a function as a member", one.place, help_="use a pointer to it")
        ctype, clauses = self._contracted(found.type, one.blocks)
        try:
            size = layout.size_of(ctype, self.scope.types)
            align = layout.align_of(ctype, self.scope.types)
        except UsageError as error:
            raise self.placed(error, one.place) from None
        line = one.place.line or 0
        return [Field(one.name, ctype, 0, size, clauses, line)], (size, align)

    def _contracted(
        self, ctype: CType, blocks: tuple[int, ...]
    ) -> tuple[CType, tuple[Clause, ...]]:
        """Return the type of a member and the clauses before it, if there are any."""
        clauses = self.contract(ctype, blocks) if blocks else ()
        return with_contract(ctype, clauses), clauses

    # ---- enumerations ----------------------------------------------------------------------------

    def _enumeration(self, syntax: Enumeration, alias: str) -> CType:
        tag = syntax.tag or alias
        if syntax.items is None:
            if self.scope.tags.get(tag) != "enum":
                raise self._error(f"'enum {tag}' is defined nowhere above", syntax.place)
            return self._tag("enum", tag, syntax.place)
        if tag:
            if tag in self.scope.tags:
                raise self._error(f"'{tag}' is already the tag of another type", syntax.place)
            self._tag("enum", tag, syntax.place)
            self._define(
                Aggregate(
                    "enum",
                    tag,
                    (),
                    layout.ENUM,
                    layout.ENUM,
                    line=syntax.place.line or 0,
                    anonymous=syntax.tag is None,
                )
            )
        following = 0
        for name, term, place in syntax.items:
            if term is not None:
                following = self.scope.evaluate(term, place).number
            if not -(1 << 31) <= following < 1 << 31:
                raise self._error(f"'{name}' is {following}, which does not fit into int", place)
            self.constant(name, following, place)
            following += 1
        return Named("enum", tag) if tag else basic(("int",)) or VOID

    def constant(self, name: str, number: int | str, place: Place, kind: str = "int") -> None:
        """Declare a constant of this interface."""
        from asmith.contract.evaluate import Value

        self.scope.claim(name, self.path, place)
        value: Value | str = number if isinstance(number, str) else Value(number, kind)
        self.scope.constants[name] = value
        self.constants[name] = Constant(name, number, place.line or 0)

    # ---- errors ----------------------------------------------------------------------------------

    def _error(self, what: str, place: Place, *, help_: str = "") -> UsageError:
        return UsageError(what, where=place, help=help_ or None)

    def placed(self, error: UsageError, place: Place) -> UsageError:
        """Return an error of the layout with the place that only the declaration knows."""
        return UsageError(error.what, where=place, why=error.why, help=error.help)


def with_contract(ctype: CType, clauses: tuple[Clause, ...]) -> CType:
    """Return a function type, or a pointer to one, that carries those clauses."""
    match ctype:
        case FunctionType() if clauses:
            return replace(ctype, clauses=clauses)
        case Pointer(FunctionType() as inner) if clauses:
            return Pointer(replace(inner, clauses=clauses), ctype.const)
        case _:
            return ctype
