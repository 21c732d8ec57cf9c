"""Archives of objects (`.a`): their members, in order.

The common format (ar(5)): the magic line, then for each member a header of 60 bytes, its data and a
byte of padding if that is odd. "/" and "/SYM64/" hold the index, "//" the long names, which a
member refers to as "/offset".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"!<arch>\n"
_THIN = b"!<thin>\n"
_HEADER = 60
_INDEXES = frozenset({b"/", b"/SYM64/", b"__.SYMDEF", b"__.SYMDEF SORTED"})


def members(data: bytes, path: str) -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of each member of an archive: `lib.a(member.o)`; of an object, itself.

    Raises `UsageError` for a damaged archive, and for a thin one, which holds only names.
    """
    if data.startswith(_THIN):
        raise _unusable(path, "it is a thin archive, which holds no objects", "name the objects")
    if not data.startswith(MAGIC):
        yield path, data
        return
    names = b""
    position = len(MAGIC)
    while position < len(data):
        header = data[position : position + _HEADER]
        size = _size(header, path)
        position += _HEADER
        content = data[position : position + size]
        if len(content) < size:
            raise _unusable(path, "a member lies beyond its end", "make it again")
        name = header[:16].rstrip()
        if name == b"//":
            names = content
        elif name not in _INDEXES:
            yield f"{path}({_name(name, names)})", content
        position += size + size % 2


def _size(header: bytes, path: str) -> int:
    """Return the size that the header of a member gives."""
    if len(header) < _HEADER or header[58:60] != b"`\n" or not header[48:58].strip().isdigit():
        raise _unusable(path, "the header of a member is damaged", "make it again")
    return int(header[48:58])


def _name(field: bytes, names: bytes) -> str:
    """Return the name of a member, from its header or from the table of long names."""
    if field.startswith(b"/") and field[1:].isdigit():
        start = int(field[1:])
        field = names[start : max(names.find(b"/\n", start), start)] or field
    return field.rstrip(b"/").decode("utf-8", "replace")


def _unusable(path: str, why: str, remedy: str) -> UsageError:
    return UsageError(f"{path} cannot be read as an archive", where=path, why=why, help=remedy)
