"""The banner of a module: its contract as a comment, rendered and verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.abi.places import places
from asmith.contract.render import prototype
from asmith.contract.sheet import clause_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.abi.places import Location, Places
    from asmith.model.contract import Function, Interface

_WIDTH = 5  # of `stack`, the longest of the short keywords
_MARK = ";@"


def render(interface: Interface, title: str) -> str:
    """Return the banner: the title, then one block a function, in order of declaration.

    Ends with a newline.
    """
    lines = [f"; {title}".rstrip()]
    for function in interface.functions.values():
        lines += [";", *block(function, interface)]
    return "\n".join(lines) + "\n"


def block(function: Function, interface: Interface) -> list[str]:
    """Return the lines of one function: prototype, places, clauses."""
    found = places(function, interface.types)
    lines = [f"{_MARK} {prototype(function)}"]
    if arguments := list(_arguments(found)):
        lines.append(_line("in", ", ".join(arguments)))
    if found.hidden:
        lines.append(_line("out", "rax = &result"))
    elif found.result is not None:
        lines.append(_line("out", ", ".join(_result(found.result))))
    for text in clause_lines(function.clauses):
        keyword, _, rest = text.partition(" ")
        if keyword not in ("in", "out"):
            lines.append(_line(keyword, rest))
    return lines


def _line(keyword: str, text: str) -> str:
    return f"{_MARK}   {keyword:<{_WIDTH}} {text}".rstrip()


def _arguments(found: Places) -> Iterator[str]:
    if found.hidden:
        yield "rdi = &result"
    for argument in found.arguments:
        if argument.stack is not None:
            yield f"[rsp+{argument.stack}] = {argument.name}"
        for piece in argument.pieces:
            part = _part(argument, piece.offset, piece.size)
            yield f"{piece.register} = {argument.name}{part}"
    if found.vectors is not None:
        yield "al = vector registers used"


def _result(location: Location) -> Iterator[str]:
    for piece in location.pieces:
        yield f"{piece.register}"


def _part(location: Location, offset: int, size: int) -> str:
    """Return which bytes of a value a register holds, where that is not all of it."""
    return "" if len(location.pieces) == 1 else f"[{offset}..{offset + size})"


def check(source: str, interface: Interface, title: str = "") -> tuple[str, ...]:
    """Return what is wrong with the banner of a module's text, one sentence each; empty if nothing.

    Only lines that start with `;@` speak of the contract; every function's block must stand there
    as `render` writes it, in any order, and no other. With a `title` the first line must be it.
    """
    problems: list[str] = []
    lines = source.splitlines()
    if title and (not lines or lines[0] != f"; {title}".rstrip()):
        problems.append(f"the first line is not '; {title}'")
    expected = {f.name: block(f, interface) for f in interface.functions.values()}
    heads = {texts[0]: name for name, texts in expected.items()}
    blocks = _blocks(lines)
    seen: set[str] = set()
    for head, texts in blocks:
        name = heads.get(head)
        if name is None:
            problems.append(f"the banner declares '{head[3:]}', which {interface.path} does not")
        elif name in seen:
            problems.append(f"the banner declares '{name}' twice")
        else:
            seen.add(name)
            problems += _differences(name, expected[name], texts)
    problems += [f"the banner lacks '{name}'" for name in expected if name not in seen]
    return tuple(problems)


def lines(source: str) -> list[str]:
    """Return the lines of a module's text that speak of its contract."""
    return [line.rstrip() for line in source.splitlines() if line.startswith(_MARK)]


def _blocks(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Return the blocks of a banner, each under its first line."""
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        if not line.startswith(_MARK):
            continue
        text = line.rstrip()
        if not text.startswith(f"{_MARK}  ") or not found:
            found.append((text, [text]))
        else:
            found[-1][1].append(text)
    return found


def _differences(name: str, expected: list[str], got: list[str]) -> Iterator[str]:
    for text in expected:
        if text not in got:
            yield f"the banner of '{name}' lacks '{text}'"
    for text in got:
        if text not in expected:
            yield f"the banner of '{name}' has '{text}', which the interface does not say"
