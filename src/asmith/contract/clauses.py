"""Clause blocks to clauses: every keyword of `CLAUSES`, typed against the declaration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar, assert_never

from asmith.contract import literals, render, typed
from asmith.contract.cursor import Cursor
from asmith.contract.grammar import CLAUSES, LEVELS, REGISTERS, UNSUPPORTED, ClauseKind, Shape
from asmith.contract.terms import Terms
from asmith.contract.tokens import Kind, tokens
from asmith.dataclass import dataclass
from asmith.errors import did_you_mean
from asmith.model.contract import (
    Clause,
    Locations,
    Name,
    Pointer,
    Predicate,
    Role,
    Words,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asmith.contract.atoms import Signature
    from asmith.contract.scope import Scope
    from asmith.contract.source import Block
    from asmith.contract.tokens import Origin
    from asmith.contract.typed import Typed
    from asmith.model.contract import ClauseBody, Term

_T = TypeVar("_T")

MAX_STACK = 1 << 30
_RULE = re.compile(r"[A-Z][A-Z0-9]*")


def read_clauses(
    origin: Origin, blocks: Iterable[Block], scope: Scope, signature: Signature | None
) -> tuple[Clause, ...]:
    """Return the clauses of one declaration, or with no signature those of a file, in order.

    Raises UsageError with line and column for whatever is no clause, names what is not visible, or
    has the wrong type.
    """
    found: list[Clause] = []
    for block in blocks:
        cursor = Cursor(origin, list(tokens(origin, block.start, block.end)))
        while cursor.token.kind is not Kind.END:
            if cursor.accept(";"):
                continue
            found.append(_Reader(cursor, scope, signature).clause(found))
    return tuple(found)


@dataclass(slots=True)
class _Reader:
    """Reads one clause."""

    cursor: Cursor
    scope: Scope
    signature: Signature | None

    def clause(self, before: list[Clause]) -> Clause:
        start = self.cursor.token
        kind = self.kind()
        if kind.once and any(c.keyword == kind.keyword for c in before):
            raise self.cursor.error(f"a second '{kind.spelled}' clause", at=start.offset)
        if self.signature is None and not kind.file and kind.shape is not Shape.WAIVER:
            raise self.cursor.error(
                f"'{kind.spelled}' belongs to no function here",
                at=start.offset,
                help_="put it before the function that it speaks of",
            )
        body = self.body(kind)
        if not self.cursor.accept(";") and self.cursor.token.kind is not Kind.END:
            raise self.cursor.error(f"expected ';', got {self.cursor.shown()}")
        line = self.cursor.origin.line(start.offset)
        return Clause(kind.keyword, text_of(kind, body), kind.audience, line, body)

    def kind(self) -> ClauseKind:
        token = self.cursor.name("a clause")
        acsl = token.text != "asm"
        if not acsl:
            token = self.cursor.name("the keyword of a clause after 'asm'")
        kind = CLAUSES.get(token.text)
        if kind is not None and kind.acsl == acsl:
            return kind
        if kind is not None:
            raise self.cursor.error(
                f"'{token.text}' is not written so",
                at=token.offset,
                help_=f"write '{kind.spelled}'",
            )
        if acsl and token.text in UNSUPPORTED:
            raise self.cursor.error(
                f"'{token.text}' is not part of the clause language", at=token.offset
            )
        near = did_you_mean(token.text, [k.keyword for k in CLAUSES.values()])
        raise self.cursor.error(f"'{token.text}' is no clause{near}", at=token.offset)

    def body(self, kind: ClauseKind) -> ClauseBody:
        """Return what follows the keyword, by its shape."""
        return _BODIES[kind.shape](self, kind)

    def predicate(self, kind: ClauseKind) -> Predicate:
        return Predicate(self.terms(kind).predicate())

    def outcome(self, kind: ClauseKind) -> Predicate:
        name = self.cursor.name("the name of an outcome")
        self.cursor.expect(":")
        return Predicate(self.terms(kind).predicate(), name.text)

    def terms(self, kind: ClauseKind) -> Terms:
        assert self.signature is not None  # checked when the clause began
        return Terms(self.cursor, self.scope, self.signature, after=kind.after)

    def several(self, one: Callable[[], _T]) -> list[_T]:
        found = [one()]
        while self.cursor.accept(","):
            found.append(one())
        return found

    # ---- bodies with terms -----------------------------------------------------------------------

    def locations(self, kind: ClauseKind) -> Locations:
        if self.cursor.token.kind is Kind.WORD and self.cursor.token.text == "\\nothing":
            self.cursor.take()
            return Locations(())
        terms = self.several(lambda: self.lvalue(kind).term)
        return Locations(tuple(sorted(set(terms), key=render.term)))

    def lvalue(self, kind: ClauseKind) -> Typed:
        start = self.cursor.token.offset
        found = self.terms(kind).location()
        if not found.lvalue:
            raise self.cursor.error(
                f"'{render.term(found.term)}' is no object that a call could change",
                at=start,
                help_="name what a pointer points to: '*out', 'p->len', 'a[0 .. n-1]'",
            )
        if isinstance(found.term, Name) and found.term.role is Role.PARAMETER:
            raise self.cursor.error(
                f"the parameter '{found.term.name}' is the callee's own copy",
                at=start,
                help_=f"name what it points to: '*{found.term.name}'",
            )
        return found

    def pointer(self, kind: ClauseKind) -> Typed:
        start = self.cursor.token.offset
        found = self.terms(kind).location()
        if not isinstance(typed.decayed(found.type), Pointer):
            raise self.cursor.error(f"expected a pointer, got {typed.spell(found.type)}", at=start)
        return found

    def acquires(self, kind: ClauseKind) -> Locations:
        pointer = self.pointer(kind)
        self.cursor.expect("by")
        name = self.cursor.name("the function that releases it")
        return Locations((pointer.term,), self.function(name.text, name.offset))

    def function(self, name: str, at: int) -> Term:
        assert self.signature is not None  # checked when the clause began
        known = [*self.scope.functions, self.signature.name]
        if name not in known:
            raise self.cursor.error(
                f"no function is named '{name}'{did_you_mean(name, known)}",
                at=at,
                help_="declare it above, or include the interface that does",
            )
        return Name(name, Role.FUNCTION)

    def pointers(self, kind: ClauseKind) -> Locations:
        return Locations(tuple(self.several(lambda: self.pointer(kind).term)))

    def borrows(self, kind: ClauseKind) -> Locations:
        pointer = self.pointer(kind)
        self.cursor.expect("from")
        return Locations((pointer.term,), self.pointer(kind).term)

    # ---- bodies with words -----------------------------------------------------------------------

    def bytes(self, _: ClauseKind) -> Words:
        token = self.cursor.take()
        if token.kind is not Kind.NUMBER:
            raise self.cursor.error("expected a number of bytes", at=token.offset)
        value = literals.integer(token.text, lambda: self.cursor.origin.place(token.offset)).value
        if value > MAX_STACK:
            raise self.cursor.error(
                f"a frame of {value} bytes, expected at most {MAX_STACK}", at=token.offset
            )
        return Words((str(value),))

    def level(self, _: ClauseKind) -> Words:
        start = self.cursor.token.offset
        text = ""
        while self.cursor.token.kind in (Kind.NAME, Kind.NUMBER) or self.cursor.is_symbol("-"):
            text += self.cursor.take().text
        if text not in LEVELS:
            raise self.cursor.error(
                f"'{text}' is no level{did_you_mean(text, LEVELS)}",
                at=start,
                help_=f"one of {', '.join(LEVELS)}",
            )
        return Words((text,))

    def nothing(self, _: ClauseKind) -> Words:
        return Words()

    def registers(self, _: ClauseKind) -> Words:
        found = set(self.several(self.register))
        return Words(tuple(sorted(found, key=REGISTERS.index)))

    def register(self) -> str:
        token = self.cursor.name("a register")
        if token.text not in REGISTERS:
            raise self.cursor.error(
                f"'{token.text}' is no register that a convention may name"
                f"{did_you_mean(token.text, REGISTERS)}",
                at=token.offset,
                help_="name general registers by their 64-bit names, vector registers as xmm",
            )
        return token.text

    def places(self, kind: ClauseKind) -> Words:
        pairs = self.several(lambda: self.place(kind))
        for words in zip(*pairs, strict=True):
            for word in words:
                if words.count(word) > 1:
                    raise self.cursor.error(f"'{word}' stands twice in one '{kind.spelled}' clause")
        return Words(pairs=tuple(sorted(pairs, key=lambda p: REGISTERS.index(p[0]))))

    def place(self, kind: ClauseKind) -> tuple[str, str]:
        assert self.signature is not None  # checked when the clause began
        register = self.register()
        self.cursor.expect("=")
        token = self.cursor.take()
        if kind.keyword == "out":
            if token.text != "\\result" or self.signature.result is None:
                raise self.cursor.error(
                    "expected '\\result' of a function that has one", at=token.offset
                )
        elif token.text not in self.signature.parameters:
            near = did_you_mean(token.text, list(self.signature.parameters))
            raise self.cursor.error(f"no parameter is named '{token.text}'{near}", at=token.offset)
        return register, token.text

    def waiver(self, _: ClauseKind) -> Words:
        rule = self.cursor.name("the name of a rule")
        if not _RULE.fullmatch(rule.text):
            raise self.cursor.error(f"'{rule.text}' is no name of a rule", at=rule.offset)
        reason = self.quoted("the reason in quotes")
        if not reason.strip():
            raise self.cursor.error("a waiver without a reason", at=rule.offset)
        return Words((rule.text, reason))

    def library(self, _: ClauseKind) -> Words:
        words = [self.quoted("the library's name in quotes")]
        while self.cursor.is_name("header"):
            self.cursor.take()
            words.append(self.quoted("a header's name in quotes"))
            while self.cursor.token.kind is Kind.STRING:
                words.append(self.quoted("a header's name in quotes"))
        return Words(tuple(words))

    def quoted(self, what: str) -> str:
        token = self.cursor.take()
        if token.kind is not Kind.STRING:
            raise self.cursor.error(f"expected {what}", at=token.offset)
        return literals.string(token.text, lambda: self.cursor.origin.place(token.offset))


_BODIES: dict[Shape, Callable[[_Reader, ClauseKind], ClauseBody]] = {
    Shape.PREDICATE: _Reader.predicate,
    Shape.OUTCOME: _Reader.outcome,
    Shape.LOCATIONS: _Reader.locations,
    Shape.POINTERS: _Reader.pointers,
    Shape.ACQUIRES: _Reader.acquires,
    Shape.BORROWS: _Reader.borrows,
    Shape.BYTES: _Reader.bytes,
    Shape.LEVEL: _Reader.level,
    Shape.NOTHING: _Reader.nothing,
    Shape.REGISTERS: _Reader.registers,
    Shape.PLACES: _Reader.places,
    Shape.WAIVER: _Reader.waiver,
    Shape.LIBRARY: _Reader.library,
}


def text_of(kind: ClauseKind, body: ClauseBody) -> str:
    """Return the canonical text of a clause after its keyword."""
    match body:
        case Predicate(term, name):
            return f"{name}: {render.term(term)}" if name else render.term(term)
        case Locations(terms, None):
            return ", ".join(render.term(t) for t in terms) or "\\nothing"
        case Locations(terms, source):
            assert source is not None  # the case above
            link = "by" if kind.shape is Shape.ACQUIRES else "from"
            return f"{render.term(terms[0])} {link} {render.term(source)}"
        case Words(words, pairs):
            if pairs:
                return ", ".join(f"{register} = {name}" for register, name in pairs)
            if kind.shape in (Shape.WAIVER, Shape.LIBRARY):
                return " ".join(f'"{w}"' if n or kind.file else w for n, w in enumerate(words))
            return ", ".join(words)
        case _:  # pragma: no cover
            assert_never(body)
