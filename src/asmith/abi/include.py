"""NASM include files: the names of interfaces as assembly text uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.abi.nasm_words import RESERVED
from asmith.model.contract import EntryKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asmith.model.contract import Entry

_ORDER = (EntryKind.CONSTANT, EntryKind.TYPE, EntryKind.FIELD)


def escape(name: str) -> str:
    """Return a symbol as NASM must see it: with `$` before a word that NASM keeps for itself.

    Case does not matter: `Wait` and `RAX` are escaped too.
    """
    return f"${name}" if name.lower() in RESERVED else name


def render(entries: Iterable[Entry], *, externs: Iterable[str] = ()) -> str:
    """Return the include file for exactly those entries.

    `externs` are symbols to declare. Functions and data among the entries add nothing by
    themselves: whoever calls says which are external. The text depends on the values alone, not on
    their order; it ends with a newline.
    """
    lines = ["; Made by asmith from the interfaces. Do not edit."]
    names = sorted(set(externs))
    if names:
        lines += ["", *(f"        extern  {escape(name)}" for name in names)]
    owners: dict[str, list[Entry]] = {}
    for entry in set(entries):
        if entry.kind in _ORDER:
            owners.setdefault(entry.interface, []).append(entry)
    for owner in sorted(owners):
        lines += ["", f"; {owner}"]
        lines += [definition(entry) for entry in sorted(owners[owner], key=_key)]
    return "\n".join(lines) + "\n"


def definition(entry: Entry) -> str:
    """Return the line that defines a constant, a size or an offset."""
    match entry.kind:
        case EntryKind.CONSTANT if entry.caller.startswith("constant string "):
            return f"%define {entry.nasm} {quoted(entry.value)}"
        case EntryKind.CONSTANT:
            return f"{escape(entry.nasm):<23} equ {entry.value}"
        case _:
            return f"{entry.nasm:<23} equ {entry.value.split()[1]}"


def _key(entry: Entry) -> tuple[int, str, int, str]:
    """Sort constants by name, then each type's size before its fields, those by offset."""
    kind = _ORDER.index(entry.kind)
    if kind == 0:
        return (0, entry.nasm, 0, "")
    tag = entry.nasm.removeprefix("t_").split(".")[0].removesuffix("_size")
    offset = int(entry.value.split()[1]) if entry.kind is EntryKind.FIELD else -1
    return (1, tag, offset, entry.nasm)


def quoted(text: str) -> str:
    """Return a string as NASM writes it: in backquotes, where C's escapes hold.

    Double quotes serve where nothing needs an escape; the bytes are those of UTF-8.
    """
    if text.isascii() and text.isprintable() and not set(text) & set('"%'):
        return f'"{text}"'
    out = []
    for byte in text.encode():
        char = chr(byte)
        if char in "`\\":
            out.append(f"\\{char}")
        else:
            out.append(char if " " <= char <= "~" and char != "%" else f"\\x{byte:02x}")
    return f"`{''.join(out)}`"
