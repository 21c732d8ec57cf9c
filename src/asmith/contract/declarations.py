"""One header's declarations, in order, into an `Interface` without its surface."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from asmith.contract import literals
from asmith.contract.atoms import Signature
from asmith.contract.basic import VECTORS
from asmith.contract.clauses import read_clauses
from asmith.contract.cparser import parse
from asmith.contract.cursor import Cursor
from asmith.contract.layout import size_of
from asmith.contract.resolve import Types, with_contract
from asmith.contract.scope import Typedef
from asmith.contract.standard import clash
from asmith.contract.syntax import Enumeration, Record, Storage
from asmith.contract.terms import Terms
from asmith.contract.tokens import Kind
from asmith.errors import Place, UsageError
from asmith.model.contract import (
    Array,
    Class,
    Data,
    Function,
    FunctionType,
    Interface,
    Library,
    Named,
    Parameter,
    Pointer,
    Scalar,
    Words,
)

if TYPE_CHECKING:
    from asmith.contract.directives import Define
    from asmith.contract.resolve import Qualified
    from asmith.contract.scope import Scope
    from asmith.contract.source import Source
    from asmith.contract.syntax import Declared
    from asmith.model.contract import Aggregate, Clause, CType
    from asmith.model.names import Digest, InterfaceName


class Declarations:
    """Reads the declarations of one source into its scope, then tells what it found."""

    def __init__(self, source: Source, scope: Scope) -> None:
        self.source = source
        self.scope = scope
        self.path = source.origin.path
        self.types = Types(self.path, scope, self._member_contract)
        self.functions: dict[str, Function] = {}
        self.data: dict[str, Data] = {}
        self.clauses: list[Clause] = []
        self.defines = list(source.defines)

    def read(
        self,
        name: InterfaceName,
        includes: tuple[InterfaceName, ...],
        digest: Digest,
        *,
        complete: bool,
    ) -> Interface:
        """Return the interface. Raises UsageError for the first thing that is wrong in it.

        `complete` says that functions of a module must tell what they change.
        """
        unit = parse(self.path, self.source.code, {*self.scope.typedefs, *VECTORS})
        for one in unit.declarations:
            self._define_before(one.place.line or 0)
            self._declare(one)
        self._define_before(None)
        self.clauses += self._contract(unit.loose, None)
        library = self._library()
        if library is None and complete:
            self._check_assigns()
        return Interface(
            name,
            self.path,
            digest,
            includes,
            self.functions,
            self.data,
            self.types.constants,
            self.types.aggregates,
            dict(self.scope.types),
            library=library,
            clauses=tuple(self.clauses),
        )

    # ---- constants -------------------------------------------------------------------------------

    def _define_before(self, line: int | None) -> None:
        """Declare the constants whose `#define` stands before a line; None: all the others."""
        while self.defines:
            define = self.defines[0]
            place = self.source.origin.place(define.offset)
            if line is not None and (place.line or 0) >= line:
                return
            self.defines.pop(0)
            self._constant(define, place)

    def _constant(self, define: Define, place: Place) -> None:
        if define.value[0].kind is Kind.STRING:
            parts = []
            for token in define.value[:-1]:
                where = partial(self.source.origin.place, token.offset)
                if token.kind is not Kind.STRING:
                    raise self._error(f"'{token.text}' after a string", where())
                parts.append(literals.string(token.text, where))
            self.types.constant(define.name, "".join(parts), place)
            return
        cursor = Cursor(self.source.origin, list(define.value))
        signature = Signature(define.name, {}, None)
        term = Terms(cursor, self.scope, signature, constant=True).location().term
        if cursor.token.kind is not Kind.END:
            raise cursor.error(f"{cursor.shown()} after the value of '{define.name}'")
        value = self.scope.evaluate(term, place)
        self.types.constant(define.name, value.number, place, value.type)

    # ---- declarations ----------------------------------------------------------------------------

    def _declare(self, one: Declared) -> None:
        if one.name is None:
            self._bare(one)
        elif one.storage is Storage.TYPEDEF:
            self._typedef(one, one.name)
        else:
            found = self.types.resolve(one.type)
            if isinstance(found.type, FunctionType):
                self._function(one, one.name, found.type)
            else:
                self._datum(one, one.name, found)

    def _bare(self, one: Declared) -> None:
        """Read a declaration without a name: a struct, union or enum."""
        match one.type:
            case Record() | Enumeration():
                if one.blocks:
                    self.clauses += self._contract(one.blocks, None)
                self.types.resolve(one.type)
            case _:
                raise self._error("a declaration that declares nothing", one.place)

    def _typedef(self, one: Declared, name: str) -> None:
        found = self.types.resolve(one.type, alias=name)
        self.scope.claim(name, self.path, one.place)
        clauses = self._of_type(found.type, name, one.blocks)
        self.scope.typedefs[name] = Typedef(with_contract(found.type, clauses), found.const)

    def _of_type(self, ctype: CType, name: str, blocks: tuple[int, ...]) -> tuple[Clause, ...]:
        inner = ctype.target if isinstance(ctype, Pointer) else ctype
        if not isinstance(inner, FunctionType):
            return self._filed(self._contract(blocks, None))
        return self._filed(self._contract(blocks, signature_of(name, inner)))

    def _member_contract(self, ctype: CType, blocks: tuple[int, ...]) -> tuple[Clause, ...]:
        """Return the clauses before a member."""
        return self._of_type(ctype, "this function", blocks)

    def _function(self, one: Declared, name: str, ctype: FunctionType) -> None:
        self.scope.claim(name, self.path, one.place)
        self._check_values(ctype, one.place)
        pairs = zip(ctype.names, ctype.parameters, strict=True)
        clauses = self._filed(self._contract(one.blocks, signature_of(name, ctype)))
        function = Function(
            name,
            ctype.result,
            tuple(Parameter(n, t) for n, t in pairs),
            ctype.variadic,
            one.noreturn,
            clauses,
            one.place.line or 0,
        )
        if (found := clash(function)) is not None:
            register, first, second = found
            raise self._error(
                f"'{first}' and '{second}' would both be in {register}",
                one.place,
                help_="move the other one too: 'asm in' moves single parameters",
            )
        self.functions[name] = function
        self.scope.functions[name] = function

    def _datum(self, one: Declared, name: str, found: Qualified) -> None:
        if one.storage is not Storage.EXTERN:
            raise self._error(
                f"'{name}' is not declared extern",
                one.place,
                help_=f"an interface only declares objects: write 'extern' before '{name}'",
            )
        if isinstance(found.type, Scalar) and found.type.kind is Class.VOID:
            raise self._error(f"'{name}' has type void", one.place)
        if not (isinstance(found.type, Array) and found.type.count is None):
            self._check_size(found.type, one.place)
        self.scope.claim(name, self.path, one.place)
        clauses = self._of_type(found.type, name, one.blocks)
        data = Data(
            name, with_contract(found.type, clauses), found.const, clauses, one.place.line or 0
        )
        self.data[name] = data
        self.scope.data[name] = data

    def _check_values(self, ctype: FunctionType, place: Place) -> None:
        """Check that everything passed or returned by value has a known size."""
        for value in (ctype.result, *ctype.parameters):
            if not (isinstance(value, Scalar) and value.kind is Class.VOID):
                self._check_size(value, place)
            if isinstance(value, Named) and _is_open(self.scope.types[value.tag]):
                raise self._error(
                    f"'{value.keyword} {value.tag}' by value, whose last member has no size",
                    place,
                    help_="pass a pointer to it",
                )

    def _check_size(self, ctype: CType, place: Place) -> None:
        try:
            size_of(ctype, self.scope.types)
        except UsageError as error:
            raise self.types.placed(error, place) from None

    # ---- clauses ---------------------------------------------------------------------------------

    def _contract(self, blocks: tuple[int, ...], signature: Signature | None) -> tuple[Clause, ...]:
        chosen = [self.source.blocks[n] for n in blocks]
        return read_clauses(self.source.origin, chosen, self.scope, signature)

    def _filed(self, clauses: tuple[Clause, ...]) -> tuple[Clause, ...]:
        """Move the clauses that speak of the whole file there; return the others."""
        self.clauses += [c for c in clauses if c.keyword == "library"]
        return tuple(c for c in clauses if c.keyword != "library")

    def _library(self) -> Library | None:
        """Return the library that the file names, if it does."""
        named = [c for c in self.clauses if c.keyword == "library"]
        if len(named) > 1:
            raise self._error("a second 'asm library' clause", self._at(named[1].line))
        for clause in named:
            if isinstance(clause.body, Words):
                return Library(clause.body.words[0], clause.body.words[1:])
        return None

    def _check_assigns(self) -> None:
        """Check that every function says what it changes."""
        for function in self.functions.values():
            if not any(c.keyword == "assigns" for c in function.clauses):
                raise self._error(
                    f"'{function.name}' has no assigns clause",
                    self._at(function.line),
                    why="without one it could change anything",
                    help_="write '//@ assigns \\nothing;' or what it changes: '//@ assigns *out;'",
                )

    def _at(self, line: int) -> Place:
        return Place(self.path, line)

    def _error(self, what: str, place: Place, *, why: str = "", help_: str = "") -> UsageError:
        return UsageError(what, where=place, why=why or None, help=help_ or None)


def signature_of(name: str, ctype: FunctionType) -> Signature:
    """Return what the clauses of a function of that type may name."""
    pairs = zip(ctype.names, ctype.parameters, strict=True)
    void = isinstance(ctype.result, Scalar) and ctype.result.kind is Class.VOID
    return Signature(name, dict(pairs), None if void else ctype.result)


def _is_open(aggregate: Aggregate) -> bool:
    """Tell whether an aggregate ends with an array without a size."""
    last = aggregate.fields[-1].type if aggregate.fields else None
    return isinstance(last, Array) and last.count is None
