"""What is known of a project on the disk: the base for long, the body of the index for a build.

The base (`build/known`) has a table of everything that grows with the project, of which an edit
reads a few entries. What edits changed since is in the body of the index, which names its base; a
base is written anew when a build looked at everything, or when the body has grown long.
"""

from __future__ import annotations

import contextlib
import marshal
import os
from typing import TYPE_CHECKING, Any
from zlib import crc32

from asmith.errors import AsmithError
from asmith.host import files
from asmith.run import layout
from asmith.run.known import Bound, Known, bound_otherwise, node_of, plain
from asmith.run.linked import Linked
from asmith.store import index
from asmith.store.packed import Layered, Packed, pack
from asmith.store.state import Table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from asmith.store.state import State

_MAGIC = b"asmith known 1\n\0"
_NAME = 16  # bytes
_BEGIN = len(_MAGIC) + _NAME + 16  # and checksum and length of the list of parts, 8 bytes each
_LONG = 256  # modules in a body, or an eighth of all
_TAIL = 1 << 20  # bytes of journal behind its table, or as much as before


def save(root: Path, known: Known, state: State) -> None:
    """Write the index of a project whose lock is held; a disk that refuses is no failure.

    The old index counts for nothing by then, since the journal is another one.
    """
    with contextlib.suppress(AsmithError):
        if _needs_base(known):
            _write_base(root, known, state)
        files.write_atomic(root / layout.INDEX, index.dump(known.head, _body(known)))


def _needs_base(known: Known) -> bool:
    """Tell whether the base lacks something, or so much that another one is worth its writing."""
    links = {name: product.modules for name, product in known.products.items()}
    return (
        not known.base
        or links != known.links
        or len(known.nodes.changed) > max(_LONG, len(known.nodes) // 8)
        or _outgrown(known)
    )


def _outgrown(known: Known) -> bool:
    """Tell whether the journal is another file than its table says, or much longer."""
    journal = known.head.fixed.get(layout.STATE)
    if journal is None or known.table is None:
        return False
    return journal[2] != known.table.inode or journal[3] > 2 * known.table.length + _TAIL


def _body(known: Known) -> bytes:
    return marshal.dumps(
        (
            known.base,
            {name: plain(node) for name, node in known.nodes.changed.items()},
            known.readers.changed,
            {name: product.passing() for name, product in known.products.items()},
            known.unsettled, known.unsettled_steps, known.tools, known.size, known.tested,
        )
    )  # fmt: skip


def _write_base(root: Path, known: Known, state: State) -> None:
    name = os.urandom(_NAME)
    table = state.table()
    others = bound_otherwise(known.nodes)
    links = {n: product.lasting() for n, product in known.products.items()}
    parts = [
        marshal.dumps((others, links, None if table is None else table.plain())),
        known.nodes.dump(plain),
        known.libraries.dump(),
        known.readers.dump(),
        _packed(known.seen_by.all()),
        _packed(known.callers.all()),
        b"" if table is None else bytes(table.places),
    ]
    lengths = marshal.dumps([len(part) for part in parts])
    rest = b"".join((name, len(lengths).to_bytes(8, "little"), lengths, *parts))
    checksum = crc32(rest).to_bytes(8, "little")
    files.write_atomic(root / layout.KNOWN, b"".join((_MAGIC, checksum, rest)))
    known.base = name.hex()
    known.links = {n: product.modules for n, product in known.products.items()}
    known.table = table
    known.bound = Bound(known.nodes, others)
    known.nodes.rebase(_taken(parts[1]))
    known.libraries.rebase(_taken(parts[2]))
    known.readers.rebase(_taken(parts[3]))
    known.reverse(_taken(parts[4]), _taken(parts[5]))


def _packed(items: Iterable[tuple[str, Any]]) -> bytes:
    return pack((key, marshal.dumps(value)) for key, value in items)


def _taken(data: bytes | memoryview) -> Packed:
    return Packed(memoryview(data))


def load(root: Path, found: index.Index) -> Known | None:
    """Return what an index says of a project; None if it, or its base, is not whole."""
    try:
        _ = found.head.digests  # or their damage would show when the build has ended
        name, nodes, readers, passing, *rest = marshal.loads(found.body())  # noqa: S302 -- ours, and its checksum was verified
    except (index.DamagedError, ValueError, EOFError, TypeError):
        return None
    parts = _read_base(root, name)
    if parts is None:
        return None
    others, links, table = marshal.loads(parts[0])  # noqa: S302 -- the same
    changed = ((n, node_of(node)) for n, node in nodes.items())
    layered = Layered(changed, Packed(parts[1]), node_of)
    made = Known(
        found.head,
        layered,
        Layered(base=Packed(parts[2])),
        Layered(readers.items(), Packed(parts[3])),
        {n: Linked.load(links[n], passing[n], layered) for n in links},
        Bound(layered, others),
        *rest,
    )
    made.base = name
    if table is not None:
        inode, length, lines, interrupted = table
        made.table = Table(inode, length, lines, interrupted, parts[6])
    made.links = {n: product.modules for n, product in made.products.items()}
    made.reverse(Packed(parts[4]), Packed(parts[5]))
    return made


def _read_base(root: Path, name: str) -> list[memoryview] | None:
    """Return the parts of the base with a name."""
    try:
        data = memoryview(files.read_bytes(root / layout.KNOWN))
    except AsmithError:
        return None
    begin = len(_MAGIC) + 8
    named = data[begin : begin + _NAME]
    if data[: len(_MAGIC)] != _MAGIC or len(data) < _BEGIN or named.hex() != name:
        return None
    if crc32(data[begin:]) != int.from_bytes(data[len(_MAGIC) : begin], "little"):
        return None
    at = _BEGIN + int.from_bytes(data[_BEGIN - 8 : _BEGIN], "little")
    parts = []
    for length in marshal.loads(data[_BEGIN:at]):  # noqa: S302 -- the same
        parts.append(data[at : at + length])
        at += length
    return parts
