"""The one door to pycparser: C text in, our own `Unit` out, everything outside the subset refused.

pycparser is imported inside `parse`, since only a process that reads a changed interface needs it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from asmith.contract.literals import character, integer
from asmith.contract.syntax import (
    ArrayOf,
    Base,
    Declared,
    Enumeration,
    FunctionOf,
    PointerTo,
    Record,
    Storage,
    TypeSyntax,
    Unit,
)
from asmith.errors import Place, UsageError, did_you_mean
from asmith.model.contract import Name, Operation, Role, Term

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH = 48
"""Declarators and constant expressions may nest this deep."""
_PRELUDE = "\0prelude"
_MESSAGE = re.compile(r"[^:]*:(?:(\d+):(?:(\d+):)?)? ?(.*)", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_LAST_WORD = re.compile(r"(?<!\w)([A-Za-z_]\w*)[ \t*]*$", re.ASCII)
_TYPEDEF = re.compile(r"([A-Za-z_]\w*)\s*;", re.ASCII)  # whatever ends a declaration may be one
_KEYWORDS = frozenset((
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else",
    "enum", "extern", "float", "for", "goto", "if", "inline", "int", "long", "register",
    "restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef",
    "union", "unsigned", "void", "volatile", "while", "_Alignas", "_Alignof", "_Atomic",
    "_Bool", "_Complex", "_Noreturn", "_Pragma", "_Static_assert", "_Thread_local", "__int128",
))  # fmt: skip
_ALLOWED_STORAGE = {(), ("extern",), ("typedef",)}


def parse(path: str, code: str, typedefs: Iterable[str]) -> Unit:
    """Return the declarations of `code`, which is C without comments and directives.

    `typedefs` are the names that other headers declare as types. Raises UsageError with the place
    for text that is no C or is C outside the subset.
    """
    from pycparser.c_parser import CParser, ParseError

    known = sorted(typedefs)
    words = set(_WORD.findall(code))
    prelude = "".join(f"typedef int {name};" for name in known if name in words)
    text = f'# 1 "{_PRELUDE}"\n{prelude}\n# 1 "header"\n{code}'
    try:
        tree = CParser().parse(text, "header")
    except ParseError as error:
        raise _refused(path, str(error), code, known) from None
    except (RecursionError, AssertionError, AttributeError, IndexError, ValueError) as error:
        raise UsageError(
            "the header is not C that asmith can read",
            where=Place(path),
            why=f"the C parser gave up: {type(error).__name__}",
            help="reduce it to plain declarations",
        ) from None
    return _Reading(path).unit(tree.ext)


def _refused(path: str, message: str, code: str, typedefs: list[str]) -> UsageError:
    """Return the error for text that is no C, or names a type that nothing declares."""
    match = _MESSAGE.match(message)
    line, column, words = match.groups() if match else (None, None, message)
    place = Place(path, int(line) if line else None, int(column) if column else None)
    if place.line is not None and place.column is not None:
        name, at = _nearest_word(code.split("\n")[place.line - 1], place.column - 1)
        known = {*typedefs, *_TYPEDEF.findall(code)}
        if name and name not in _KEYWORDS and name not in known:
            return UsageError(
                f"no type is named '{name}'{did_you_mean(name, sorted(known))}",
                where=Place(path, place.line, at + 1),
                help="include the interface or the standard header that declares it",
            )
    if words.startswith("before: "):
        words = f"'{words.removeprefix('before: ')}' is not expected here"
    return UsageError(
        words[:1].lower() + words[1:],
        where=place,
        help="an interface holds declarations of C, each ended by ';'",
    )


def _nearest_word(line: str, at: int) -> tuple[str, int]:
    """Return the word before a column, or else at it, and where it starts; empty if neither is."""
    before = _LAST_WORD.search(line[:at])
    if before is not None:
        return before.group(1), before.start(1)
    here = _WORD.match(line, at)
    return (here.group(), at) if here is not None else ("", at)


class _Reading:
    """Turns pycparser's nodes, told apart by the names of their classes, into syntax."""

    def __init__(self, path: str) -> None:
        self.path = path

    def place(self, node: Any) -> Place:
        coord = node.coord
        return Place(self.path, coord.line, coord.column) if coord else Place(self.path)

    def refused(self, what: str, node: Any, help_: str = "") -> UsageError:
        return UsageError(
            f"{what} is not part of the interface language",
            where=self.place(node),
            help=help_ or "see docs/reference/contracts.md for the C that an interface may hold",
        )

    def unit(self, nodes: list[Any]) -> Unit:
        own = [n for n in nodes if n.coord is None or n.coord.file != _PRELUDE]
        found, loose = self.declared(own)
        return Unit(tuple(found), tuple(loose))

    def declared(self, nodes: list[Any]) -> tuple[list[Declared], list[int]]:
        """Return declarations with the blocks before each, and the blocks after the last."""
        found: list[Declared] = []
        blocks: list[int] = []
        before: Any = None
        for node in nodes:
            name = type(node).__name__
            if name == "Pragma":
                mark = node.string.value.strip('"')
                if mark != "packed":
                    blocks.append(int(mark))
                continue
            base = _base(node)
            if base == before and found and found[-1].blocks:
                raise UsageError(
                    "a contract before a declaration of several names",
                    where=self.place(node),
                    help="declare each name by itself, with its own contract",
                )
            before = base
            found.append(self.declaration(node, tuple(blocks)))
            blocks = []
        return found, blocks

    def declaration(self, node: Any, blocks: tuple[int, ...]) -> Declared:
        match type(node).__name__:
            case "Decl":
                self.check(node)
            case "Typedef" | "Typename":
                pass
            case "FuncDef":
                raise self.refused(
                    "a function's body", node, "an interface only declares functions"
                )
            case "StaticAssert":
                raise self.refused("'_Static_assert'", node)
            case other:
                raise self.refused(f"this declaration ({other})", node)
        storage = tuple(getattr(node, "storage", ()))
        if storage not in _ALLOWED_STORAGE:
            raise self.refused(f"'{' '.join(storage)}'", node)
        return Declared(
            node.name,
            self.type(node.type, const="const" in node.quals),
            self.place(node),
            Storage(storage[0]) if storage else Storage.NONE,
            "_Noreturn" in getattr(node, "funcspec", ()),
            blocks,
        )

    def check(self, node: Any) -> None:
        if getattr(node, "bitsize", None) is not None:
            raise self.refused(
                "a bit-field", node, "use a whole integer and say its bits in the spec"
            )
        if node.init is not None:
            raise self.refused(
                "an initial value", node, "the module gives values, the interface types"
            )
        if node.align:
            raise self.refused("'_Alignas'", node)
        if "inline" in node.funcspec:
            raise self.refused("'inline'", node, "an interface only declares functions")

    def quals(self, node: Any) -> None:
        for word in (*getattr(node, "quals", ()), *getattr(node, "dim_quals", ())):
            if word != "const":
                more = "say it in a clause: requires \\separated(...)" if word == "restrict" else ""
                raise self.refused(f"'{word}'", node, more)

    def type(self, node: Any, *, const: bool = False, depth: int = 0) -> TypeSyntax:
        if depth > MAX_DEPTH:
            raise self.refused(f"a declarator deeper than {MAX_DEPTH}", node)
        self.quals(node)
        below = depth + 1
        match type(node).__name__:
            case "TypeDecl":
                return self.type(node.type, const="const" in node.quals, depth=below)
            case "PtrDecl":
                return PointerTo(self.type(node.type, depth=below), "const" in node.quals)
            case "ArrayDecl":
                count = None if node.dim is None else self.term(node.dim)
                return ArrayOf(self.type(node.type, depth=below), count, self.place(node))
            case "FuncDecl":
                return self.function(node, below)
            case _:
                return self.specifier(node, const=const)

    def specifier(self, node: Any, *, const: bool) -> TypeSyntax:
        match type(node).__name__:
            case "IdentifierType":
                return Base(tuple(node.names), const, self.place(node))
            case "Struct" | "Union":
                return self.record(node, const=const)
            case "Enum":
                return self.enumeration(node, const=const)
            case other:
                raise self.refused(f"this type ({other})", node)

    def function(self, node: Any, depth: int) -> FunctionOf:
        result = self.type(node.type, depth=depth)
        if node.args is None:
            return FunctionOf(result, None, variadic=False, place=self.place(node.type))
        given = list(node.args.params)
        variadic = bool(given) and type(given[-1]).__name__ == "EllipsisParam"
        if variadic:
            given.pop()
        parameters = []
        for one in given:
            if type(one).__name__ == "ID":
                raise self.refused("a parameter without a type", one, "write a prototype")
            parameters.append(self.parameter(one, depth))
        return FunctionOf(result, tuple(parameters), variadic, self.place(node.type))

    def parameter(self, node: Any, depth: int) -> Declared:
        if getattr(node, "storage", None):
            raise self.refused(f"'{' '.join(node.storage)}' on a parameter", node)
        syntax = self.type(node.type, const="const" in node.quals, depth=depth)
        if isinstance(syntax, (Record, Enumeration)) and _defines(syntax):
            raise self.refused("a type defined inside a parameter list", node, "define it before")
        return Declared(node.name, syntax, self.place(node))

    def record(self, node: Any, *, const: bool) -> Record:
        keyword = type(node).__name__.lower()
        if node.decls is None:
            return Record(
                keyword, node.name, None, packed=False, const=const, place=self.place(node)
            )
        packed = any(
            type(n).__name__ == "Pragma" and n.string.value == '"packed"' for n in node.decls
        )
        members, loose = self.declared(node.decls)
        if loose:
            raise UsageError(
                "a clause block after the last member",
                where=self.place(node),
                help="put it before the member that it belongs to",
            )
        return Record(
            keyword, node.name, tuple(members), packed=packed, const=const, place=self.place(node)
        )

    def enumeration(self, node: Any, *, const: bool) -> Enumeration:
        if node.values is None:
            return Enumeration(node.name, None, const, self.place(node))
        items = []
        for one in node.values.enumerators:
            if type(one).__name__ == "Pragma":
                raise self.refused("a clause block inside an enum", node)
            value = None if one.value is None else self.term(one.value)
            items.append((one.name, value, self.place(one)))
        return Enumeration(node.name, tuple(items), const, self.place(node))

    def term(self, node: Any, depth: int = 0) -> Term:
        """Return a constant expression: literals, names and operators."""
        if depth > MAX_DEPTH:
            raise self.refused(f"an expression deeper than {MAX_DEPTH}", node)
        below = depth + 1
        match type(node).__name__:
            case "Constant" if node.type == "char":
                return character(node.value, lambda: self.place(node))
            case "Constant" if "float" not in node.type and "double" not in node.type:
                if node.type != "string":
                    return integer(node.value, lambda: self.place(node))
            case "ID":
                return Name(node.name, Role.CONSTANT)
            case "UnaryOp" if node.op in "+-~!":
                return Operation(node.op, (self.term(node.expr, below),))
            case "BinaryOp":
                return Operation(
                    node.op, (self.term(node.left, below), self.term(node.right, below))
                )
            case "TernaryOp":
                parts = (node.cond, node.iftrue, node.iffalse)
                return Operation("?:", tuple(self.term(n, below) for n in parts))
        raise self.refused(
            "this constant expression", node, "use integers, constants and operators"
        )


def _defines(syntax: Record | Enumeration) -> bool:
    body = syntax.members if isinstance(syntax, Record) else syntax.items
    return body is not None


def _base(node: Any) -> tuple[int, int] | None:
    """Return where the basic type stands that the names of one declaration share."""
    while type(node).__name__ in _DECLARATORS:
        node = node.type
    coord = node.coord
    return (coord.line, coord.column) if coord else None


_DECLARATORS = ("Decl", "Typedef", "PtrDecl", "ArrayDecl", "TypeDecl", "FuncDecl")
