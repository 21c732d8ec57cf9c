"""The state of the build: an append-only journal that says what each step was last made from.

`build/state` holds one JSON object a line (docs/reference/state.md). A step's entry is invalidated
by a `begin` line before it starts and replaced by an `end` line after its outputs are in place, so
that a kill at any moment leaves either the old truth or "unknown", never a wrong claim. Entries
live in two slots: `base` is the last good build, `stage` holds results not adopted yet.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import MutableMapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass, field
from asmith.host import files
from asmith.model.names import Digest, canonical_json
from asmith.store.packed import Packed, pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

SCHEMA = 2
_HEADER = canonical_json({"asmith": "state", "schema": SCHEMA})
_COMPACT_ABOVE = 4  # journal lines an entry
_LINE = rb'^\{"do":"(\w+)",(?:.*,)?"slot":"(base|stage)","step":"([^"\\]+)"\}$'
"""A line as it is written (sorted keys); any other spelling is decoded at once."""
_NUMBER = 8  # bytes of an offset, and of a length, in a table of lines


class Slot(StrEnum):
    """Which of the two sets of results an entry belongs to."""

    BASE = "base"
    STAGE = "stage"


_SLOTS = {str(slot).encode(): slot for slot in Slot}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a step was made from and what it made.

    `inputs` maps the name of each input to its digest or identity, `outputs` each output's path
    (below build/ for base, build/stage/ for stage) to the digest of its bytes. `facts` are results
    that later steps read: the digest of an object's code, say.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, Digest]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """Where the `end` lines that count stand in the first `length` bytes of a journal.

    It holds for the file with that inode, which nobody but asmith appends to. `lines` are all that
    were read, `interrupted` the steps that began and did not end.
    """

    inode: int
    length: int
    lines: int
    interrupted: tuple[str, ...]
    places: memoryview | bytes  # packed: "slot step" -> offset and length

    def plain(self) -> tuple[int, int, int, tuple[str, ...]]:
        """Return all but the places."""
        return self.inode, self.length, self.lines, self.interrupted


class Entries(MutableMapping[tuple[Slot, str], Entry]):
    """The entries by slot and step. A line of the journal is read when its entry is wanted."""

    __slots__ = ("_base", "_gone", "_inode", "_kept", "_path")

    def __init__(self, path: Path, table: Table | None = None) -> None:
        """Take the lines of a file that a table finds, if there is one."""
        self._kept: dict[tuple[Slot, str], Entry | bytes] = {}
        self._path = path
        self._inode = 0 if table is None else table.inode
        self._base = None if table is None else Packed(memoryview(table.places))
        self._gone: set[tuple[Slot, str]] = set()  # of the base

    def __getitem__(self, key: tuple[Slot, str]) -> Entry:
        """Return an entry; one whose line is damaged counts as missing."""
        kept = self._kept.get(key) or self._line(key)
        if kept is None:
            raise KeyError(key)
        if isinstance(kept, bytes):
            entry = _decoded(kept, key)
            if entry is None:
                self.forget(*key)
                raise KeyError(key)
            self._kept[key] = kept = entry
        return kept

    def _line(self, key: tuple[Slot, str]) -> bytes | None:
        """Return the line of an entry that lies in the file."""
        found = None if self._base is None else self._base.get(" ".join(key))
        if found is None or key in self._gone:
            return None
        offset, length = (int.from_bytes(found[k : k + _NUMBER], "little") for k in (0, _NUMBER))
        try:
            with open(self._path, "rb", buffering=0) as file:
                if os.fstat(file.fileno()).st_ino != self._inode:
                    return None  # another file by now: nothing is known of it
                file.seek(offset)
                return file.read(length)
        except OSError:
            return None

    def keep(self, slot: Slot, step: str, line: bytes) -> None:
        """Keep an `end` line undecoded."""
        self._kept[slot, step] = line

    def __setitem__(self, key: tuple[Slot, str], entry: Entry) -> None:
        """Keep an entry."""
        self._kept[key] = entry

    def __delitem__(self, key: tuple[Slot, str]) -> None:
        """Forget an entry."""
        if key not in self:
            raise KeyError(key)
        self.forget(*key)

    def forget(self, slot: Slot, step: str) -> None:
        """Forget an entry, if there is one, undecoded."""
        self._kept.pop((slot, step), None)
        if self._base is not None:
            self._gone.add((slot, step))

    def __iter__(self) -> Iterator[tuple[Slot, str]]:
        """Iterate over the keys, in no order that matters."""
        keys = set(self._kept)
        for name in self._base or ():
            slot, _, step = name.partition(" ")
            if (key := (Slot(slot), step)) not in self._gone:
                keys.add(key)
        return iter(keys)

    def __len__(self) -> int:
        """Return how many there are, damaged lines included."""
        if self._base is None:
            return len(self._kept)
        hidden = self._gone | self._kept.keys()
        new = len(self._kept) - len(hidden)
        return len(self._base) + new + sum(self._base.get(" ".join(k)) is None for k in hidden)

    def __contains__(self, key: object) -> bool:
        """Tell whether there is an entry, without decoding it."""
        if key in self._kept:
            return True
        if self._base is None or key in self._gone or not isinstance(key, tuple):
            return False
        return self._base.get(" ".join(key)) is not None

    def settle(self) -> None:
        """Know all entries without the file, which is about to be another one."""
        for key in self:
            self.get(key)
        self._base = None
        self._gone.clear()


def _decoded(line: bytes, key: tuple[Slot, str]) -> Entry | None:
    try:
        value = json.loads(line)
        if (value["slot"], value["step"]) != key:
            return None
        return Entry(value["inputs"], value["outputs"], value["facts"])
    except (ValueError, KeyError, TypeError):
        return None


class State:
    """The journal in memory, with every change written through."""

    def __init__(self, path: Path, table: Table | None = None) -> None:
        """Read the journal; a missing, foreign or damaged one counts as empty.

        Of what a `table` covers only the lines are read that are asked for.
        """
        self.path = path
        self.entries = Entries(path)
        self.interrupted: set[str] = set()
        self._lines = 0
        self._whole = True
        self._line = re.compile(_LINE)
        if table is not None and self._resume(table):
            return
        data = files.read_if_exists(path)
        if data is not None:
            lines = data.split(b"\n")
            if lines[0] == _HEADER.encode():
                self._replay(lines[1:])
            else:
                self._whole = False

    def _resume(self, table: Table) -> bool:
        """Go on where a table ends; tell whether it is that of this journal."""
        try:
            with open(self.path, "rb", buffering=0) as file:
                there = os.fstat(file.fileno())
                if there.st_ino != table.inode or there.st_size < table.length:
                    return False
                file.seek(table.length)
                rest = file.read(there.st_size - table.length) or b""
        except OSError:
            return False
        self.entries = Entries(self.path, table)
        self.interrupted = set(table.interrupted)
        self._lines = table.lines
        self._replay(rest.split(b"\n"))
        return True

    def _replay(self, lines: list[bytes]) -> None:
        """Apply lines that follow on each other to the end of the file."""
        self._whole = lines[-1] == b""
        for line in lines:
            try:
                self._read(line)
            except (ValueError, KeyError, TypeError, AttributeError):
                self._whole = self._whole and line == b""
            self._lines += 1

    def _read(self, line: bytes) -> None:
        """Apply one line; what it says of inputs and outputs is decoded when it is wanted."""
        match = self._line.match(line)
        if match is None or match[1] not in (b"begin", b"end", b"drop"):
            self._apply(json.loads(line))
            return
        slot, step = _SLOTS[match[2]], match[3].decode()
        if match[1] == b"end":
            self.entries.keep(slot, step, line)
        else:
            self.entries.forget(slot, step)
        if match[1] == b"begin":
            self.interrupted.add(step)
        else:
            self.interrupted.discard(step)

    def _apply(self, value: dict[str, Any]) -> None:
        match value["do"]:
            case "begin":
                self.entries.forget(Slot(value["slot"]), value["step"])
                self.interrupted.add(value["step"])
            case "end":
                entry = Entry(value["inputs"], value["outputs"], value["facts"])
                self.entries[Slot(value["slot"]), value["step"]] = entry
                self.interrupted.discard(value["step"])
            case "drop":
                self.entries.forget(Slot(value["slot"]), value["step"])
                self.interrupted.discard(value["step"])

    def _write(self, values: Iterable[dict[str, Any]]) -> None:
        text = "".join(canonical_json(v) + "\n" for v in values)
        if not self._whole:
            self.compact()
        elif not self._lines and not self.path.exists():
            text = _HEADER + "\n" + text
        files.append(self.path, text.encode())
        self._lines += text.count("\n")

    def begin(self, slot: Slot, step: str) -> None:
        """Invalidate a step's entry, since its outputs are about to change."""
        line = {"do": "begin", "slot": str(slot), "step": step}
        self._write([line])
        self._apply(line)

    def end(self, made: Mapping[tuple[Slot, str], Entry]) -> None:
        """Record steps whose outputs are in place, in one write."""
        lines = [_end(slot, step, entry) for (slot, step), entry in made.items()]
        self._write(lines)
        for line in lines:
            self._apply(line)

    def drop(self, slot: Slot, steps: Iterable[str]) -> None:
        """Forget entries."""
        lines = [
            {"do": "drop", "slot": str(slot), "step": s}
            for s in steps
            if (slot, s) in self.entries or s in self.interrupted
        ]
        if lines:
            self._write(lines)
        for line in lines:
            self._apply(line)

    def table(self) -> Table | None:
        """Return a table of the journal as it lies on the disk, whole; None if it is not whole."""
        try:
            with open(self.path, "rb") as file:
                inode = os.fstat(file.fileno()).st_ino
                data = file.read()
        except OSError:
            return None
        if not self._whole or not data.endswith(b"\n"):
            return None
        found: dict[str, bytes] = {}
        offset = 0
        for line in data.splitlines(keepends=True):
            match = self._line.match(line[:-1])
            if match is not None:
                key = f"{match[2].decode()} {match[3].decode()}"
                if match[1] == b"end":
                    numbers = (offset, len(line) - 1)
                    found[key] = b"".join(n.to_bytes(_NUMBER, "little") for n in numbers)
                else:
                    found.pop(key, None)
            elif offset:
                return None  # another spelling: it is read whole then
            offset += len(line)
        count = data.count(b"\n")
        return Table(inode, len(data), count, tuple(sorted(self.interrupted)), pack(found.items()))

    def compact(self, *, only_if_long: bool = False) -> None:
        """Rewrite the journal with the present entries alone."""
        if only_if_long and self._lines <= 100 + _COMPACT_ABOVE * len(self.entries):
            return
        self.entries.settle()
        lines = [_HEADER]
        kept = ((key, self.entries.get(key)) for key in sorted(self.entries))
        lines += [canonical_json(_end(*key, e)) for key, e in kept if e is not None]
        lines += [
            canonical_json({"do": "begin", "slot": "stage", "step": s})
            for s in sorted(self.interrupted)
        ]
        files.write_atomic(self.path, ("\n".join(lines) + "\n").encode())
        self._lines = len(lines)
        self._whole = True


def _end(slot: Slot, step: str, entry: Entry) -> dict[str, Any]:
    return {
        "do": "end",
        "slot": str(slot),
        "step": step,
        "inputs": dict(entry.inputs),
        "outputs": dict(entry.outputs),
        "facts": dict(entry.facts),
    }
