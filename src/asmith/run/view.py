"""The view: for each module the text and record that this build works with.

A module's base is what lies in modules/; a draft is a candidate that waits in build/stage until
its change-set is adopted. The view takes the draft where it is fresh, else the base. A stale base
without a draft waits for an answer; a *held* module stays on its base whatever its spec says,
since its change-set cannot be adopted now.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass, replace
from asmith.errors import UsageError
from asmith.graph import trace as traces
from asmith.host import files
from asmith.model import nasm
from asmith.model.names import digest_bytes
from asmith.model.plan import Reason, Why
from asmith.model.record import Standing
from asmith.run import layout
from asmith.store import records

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from asmith.model.contract import Entry
    from asmith.model.names import Digest, ModuleName
    from asmith.model.record import Record, Trace
    from asmith.project.workspace import Workspace

_INCBIN = re.compile(
    r"^\s*(?:[\w.$]+:?\s+)?incbin\s+[\"'`]([^\"'`]+)[\"'`]", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Module:
    """One module as a build sees it."""

    name: ModuleName
    source: bytes | None = None
    record: Record | None = None
    trace: Trace | None = None  # the record's; for an edited text, of what it names now
    imports: Mapping[str, Entry] | None = None
    edited: bool = False
    draft: bool = False
    held: bool = False
    stale: tuple[Reason, ...] = ()  # of the text in use; empty for a fresh one
    base_stale: tuple[Reason, ...] = ()  # of what lies in modules/
    record_digest: Digest | None = None  # of the record's bytes as they lie in modules/

    @property
    def waiting(self) -> bool:
        """Tell whether it needs an answer before anything can be built from it."""
        return bool(self.stale) and not self.held

    @property
    def by_hand(self) -> bool:
        """Tell whether its text is an edit that nobody attested, recorded already or not."""
        recorded = self.record is not None and self.record.standing is Standing.EDITED
        return self.edited or recorded

    def text(self) -> str:
        """Return the text; bytes that are not UTF-8 are replaced (NASM reads bytes)."""
        return (self.source or b"").decode("utf-8", "replace")

    def included_files(self) -> tuple[str, ...]:
        """Return the files that the text takes in with `incbin`, relative to the root, sorted."""
        return tuple(sorted(set(_INCBIN.findall(self.text()))))


def look(workspace: Workspace, name: ModuleName, *, held: bool = False) -> Module:
    """Return one module as its files say now."""
    data = files.read_if_exists(workspace.root / layout.record(name))
    base = _base(workspace, name, data)
    base = replace(base, record_digest=None if data is None else digest_bytes(data))
    if held:
        return replace(base, held=True)
    draft = _draft(workspace, name)
    if draft is None:
        return base
    return replace(draft, base_stale=base.stale, record_digest=base.record_digest)


def look_at_all(
    workspace: Workspace, held: Collection[ModuleName] = ()
) -> dict[ModuleName, Module]:
    """Return every module of a workspace."""
    return {n: look(workspace, n, held=n in held) for n in workspace.specs}


def _base(workspace: Workspace, name: ModuleName, data: bytes | None) -> Module:
    source = files.read_if_exists(workspace.root / layout.source(name))
    record = None if data is None else records.decode(data, layout.record(name))
    if record is not None and record.module != name:
        raise UsageError(
            f"the record is that of module '{record.module}'",
            where=layout.record(name),
            help="restore the file from version control (asmith rename renames both)",
        )
    if source is None:
        reasons = _missing(workspace, name, record)
        return Module(name, record=record, stale=reasons, base_stale=reasons)
    if record is None:
        why = Reason(Why.RECORD_MISSING, layout.record(name), "nothing says what made the text")
        imports = _imports_now(workspace, name, source)
        return Module(
            name, source, imports=imports, edited=True, stale=(why,), base_stale=(why,),
            trace=traces.make_trace(workspace.specs[name], workspace.interface_of(name), imports),
        )  # fmt: skip
    return _with_record(workspace, name, source, record)


def _missing(workspace: Workspace, name: ModuleName, record: Record | None) -> tuple[Reason, ...]:
    detail = "" if record is None else "its record is there, its text is not"
    never = Reason(Why.NEVER_GENERATED, layout.source(name), detail)
    if record is None:
        return (never,)
    return (never, *traces.stale_reasons(record, workspace.specs[name], workspace.interfaces))


def _with_record(workspace: Workspace, name: ModuleName, source: bytes, record: Record) -> Module:
    edited = digest_bytes(source) != record.assembly
    if edited:
        imports = _imports_now(workspace, name, source)
        record = replace(record, trace=traces.retrace(record.trace, imports))
    else:
        named = (traces.entry_named(q, workspace.interfaces) for q in record.trace.imports)
        imports = {e.qualified: e for e in named if e is not None}
    stale = traces.stale_reasons(record, workspace.specs[name], workspace.interfaces)
    return Module(
        name, source, record, record.trace, imports, edited=edited, stale=stale, base_stale=stale
    )


def _imports_now(workspace: Workspace, name: ModuleName, source: bytes) -> dict[str, Entry]:
    own = workspace.interface_of(name)
    return traces.imported(names_of(source), workspace.visible(name), own)


@lru_cache(maxsize=64)
def names_of(source: bytes) -> frozenset[str]:
    """Return the names that a text uses, comments and strings apart."""
    return nasm.names_in(source.decode("utf-8", "replace"))


def _draft(workspace: Workspace, name: ModuleName) -> Module | None:
    """Return the candidate that waits for a module, if it is whole and fresh.

    A damaged one counts as none: what lies in build/ is derived, and the store has its answer.
    """
    root = workspace.root
    if files.read_if_exists(root / layout.replaces(name)) != base(root, name).encode():
        return None  # the text that it was made to replace has changed since
    source = files.read_if_exists(root / layout.staged(layout.source(name)))
    data = files.read_if_exists(root / layout.staged(layout.record(name)))
    if source is None or data is None:
        return None
    try:
        record = records.decode(data, layout.staged(layout.record(name)))
    except UsageError:
        return None
    module = _with_record(workspace, name, source, record)
    if module.edited or module.stale:
        return None
    return replace(module, draft=True)


def stale(modules: Mapping[ModuleName, Module]) -> dict[ModuleName, tuple[Reason, ...]]:
    """Return the modules whose spec or contracts moved on, with the reasons."""
    return {n: m.base_stale for n, m in modules.items() if m.base_stale}


def write_draft(root: Path, record: Record, source: bytes) -> None:
    """Let a candidate wait to replace what lies in modules/ now, and nothing that comes later.

    Its text goes before its record, so that a record never stands alone for long.
    """
    replaced = base(root, record.module).encode()
    files.write_atomic(root / layout.replaces(record.module), replaced)
    files.write_atomic(root / layout.staged(layout.source(record.module)), source)
    files.write_atomic(root / layout.staged(layout.record(record.module)), records.encode(record))


def remove_draft(root: Path, name: ModuleName) -> None:
    """Take a candidate back, and what waits for a person's word about it."""
    files.remove(root / layout.review(name))
    files.remove(root / layout.staged(layout.record(name)))
    files.remove(root / layout.staged(layout.source(name)))
    files.remove(root / layout.replaces(name))


def base(root: Path, name: ModuleName) -> str:
    """Return the digest of a module's text in modules/, or `none`."""
    source = files.read_if_exists(root / layout.source(name))
    return "none" if source is None else digest_bytes(source)
