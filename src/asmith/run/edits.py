"""The edit of an iteration: which sources differ from what the last one saw, and by how much."""

from __future__ import annotations

import zlib
from array import array
from collections import Counter
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from asmith.host import clock, files
from asmith.model.iteration import FileEdit
from asmith.model.names import ModuleName, digest_bytes
from asmith.run import layout
from asmith.store.iterations import Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from asmith.run.recorder import Recorder
    from asmith.store.iterations import Log

ONE_SITTING = 10.0  # seconds; an older save is no part of the iteration that a command begins
_LONG = 4000  # lines; beyond, the order of lines is not looked at
_CHECK = 4  # bytes that are kept of a line


def since(recorder: Recorder, log: Log) -> tuple[tuple[FileEdit, ...], dict[str, Seen | None]]:
    """Return the edit since the last iteration, and what to remember of the sources that differ.

    Before the first iteration nothing is known, so there is no edit. A build that looked only at
    what changed has no word on the rest; one that lost a source looked at everything.
    """
    now = _sources(recorder)
    near = recorder.first is not None and recorder.first.known is not None
    found = log.seen(now if near else None)
    before = found or {}
    fresh: dict[str, Seen | None] = {
        p: _look(recorder.root, p, d)
        for p, d in sorted(now.items())
        if p not in before or before[p].digest != d
    }
    gone = [p for p in sorted(before) if p not in now and not (recorder.root / p).exists()]
    old = Seen("", b"") if near else None  # it is not new: a new one makes a build look at all
    edits = [
        _edit(p, before.get(p, old), s) for p, s in fresh.items() if s and _counts(recorder, p)
    ]
    edits += [FileEdit(p, "removed", 0, len(before[p].lines) // _CHECK) for p in gone]
    return () if found is None else tuple(edits), {**fresh, **dict.fromkeys(gone)}


def adopted(recorder: Recorder) -> dict[str, Seen]:
    """Return what adoption wrote, which is no edit of the next iteration."""
    if recorder.session is None:
        return {}
    texts = {n: recorder.session.modules[n].source for n in recorder.adopted}
    return {
        layout.source(n): Seen(digest_bytes(text), _checks(text))
        for n, text in texts.items()
        if text is not None
    }


def waited(recorder: Recorder, edits: Iterable[FileEdit]) -> float | None:
    """Return the seconds from the newest save to the start, if the two were one sitting."""
    if recorder.waited is not None:
        return recorder.waited
    paths = [recorder.root / e.path for e in edits if e.change != "removed"]
    saved = [files.written(p) / 1e9 for p in paths if p.exists()]
    if not saved:
        return None
    seconds = clock.wall() - recorder.elapsed() - max(saved)
    return seconds if 0 <= seconds <= ONE_SITTING else None


def new_bytes(old: bytes, new: bytes) -> int:
    """Return how many bytes of `new` stand in lines that `old` does not have there."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    return len(new) - sum(len(after[i]) for i in _kept(before, after))


def _kept(old: Sequence[Any], new: Sequence[Any]) -> list[int]:
    """Return the indices of the lines of `new` that it has from `old`."""
    short = min(len(old), len(new))
    head = next((i for i in range(short) if old[i] != new[i]), short)
    rest = short - head
    tail = next((i for i in range(rest) if old[-1 - i] != new[-1 - i]), rest)
    kept = [*range(head), *range(len(new) - tail, len(new))]
    middle = old[head : len(old) - tail], new[head : len(new) - tail]
    if max(map(len, middle)) > _LONG:
        left = Counter(middle[0])
        for index, line in enumerate(middle[1], head):
            if left[line] > 0:
                left[line] -= 1
                kept.append(index)
        return kept
    matcher = SequenceMatcher(None, *middle, autojunk=False)
    for block in matcher.get_matching_blocks():
        kept += range(head + block.b, head + block.b + block.size)
    return kept


def _sources(recorder: Recorder) -> dict[str, str]:
    """Return the digests of what people write, as the build first saw it.

    A module's text counts where it was changed by hand; a test's file where its tests ran for it.
    """
    session = recorder.first
    if session is None:
        return {}
    found: dict[str, str] = dict(session.workspace.sources)
    for name, module in recorder.modules.items():
        if module.source is not None and not module.draft:
            found[layout.source(name)] = digest_bytes(module.source)
    for reasons in recorder.reasons.values():
        for reason in reasons:
            path = reason.subject.removeprefix("file ")
            if path != reason.subject and (digest := session.digest(path)) is not None:
                found[path] = digest
    return found


def _look(root: Path, path: str, digest: str) -> Seen:
    """Return a source as it is now; its lines only if its bytes are still those of the build."""
    data = files.read_if_exists(root / path)
    if data is None or digest_bytes(data) != digest:
        return Seen(digest, b"")
    return Seen(digest, _checks(data))


def _checks(data: bytes) -> bytes:
    return array("I", map(zlib.crc32, data.splitlines())).tobytes()


def _edit(path: str, old: Seen | None, new: Seen) -> FileEdit:
    if old is None:
        return FileEdit(path, "added", len(new.lines) // _CHECK, 0)
    if not old.lines or not new.lines:
        return FileEdit(path, "changed")
    before, after = array("I", old.lines), array("I", new.lines)
    kept = len(_kept(before, after))
    return FileEdit(path, "changed", len(after) - kept, len(before) - kept)


def _counts(recorder: Recorder, path: str) -> bool:
    """Tell whether a source's change is an edit: a module's text only where a hand wrote it."""
    name = path.removeprefix("modules/").removesuffix(".asm")
    module = recorder.modules.get(ModuleName(name)) if path.startswith("modules/") else None
    return module is None or module.edited
