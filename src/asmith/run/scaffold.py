"""Making projects and modules, and keeping spec, interface, tests and record together."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asmith.abi import include
from asmith.dataclass import replace
from asmith.errors import UsageError
from asmith.host import files
from asmith.model.names import ModuleName
from asmith.project.config import CONFIG, parse
from asmith.run import layout
from asmith.run.session import Session
from asmith.store import lock, records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from asmith.model.record import Record, Traced

TEMPLATE = Path(__file__).parent.parent / "template"

_SPEC = """\
---
module: {0}
uses: []
---
# {0}: says in a few words what it does

## Requirements

### {0}
- **FR-001**: {0} MUST [NEEDS CLARIFICATION: what it must do].
"""
_HEADER = """\
#ifndef {1}_H
#define {1}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

/*@ assigns \\nothing;
  @ asm stack 64;
  @*/
uint64_t {0}(uint64_t x);

#ifdef __cplusplus
}}
#endif

#endif
"""
_TEST = '''\
"""{0} through its contract."""


def test_{0}_answers(module):
    assert module.{0}(0) >= 0
'''


def init(directory: Path) -> tuple[str, ...]:
    """Make a project in a new or empty directory; return the paths that were written."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(
            f"'{directory}' is not empty",
            why="asmith init writes a whole project and overwrites nothing",
            help="name a new directory",
        )
    written = []
    for path in files.below(TEMPLATE):
        name = path.relative_to(TEMPLATE).as_posix()
        target = name.replace("dot-", ".", 1) if name.startswith("dot-") else name
        files.write_atomic(directory / target, files.read_bytes(path))
        written.append(target)
    return tuple(written)


def new(root: Path, name: str) -> tuple[str, ...]:
    """Write the spec, interface and test of a new module; return their paths."""
    check_name(name)
    made = {
        f"specs/{name}.md": _SPEC.format(name),
        f"interfaces/{name}.h": _HEADER.format(name, name.upper()),
        f"{layout.MODULE_TESTS}/test_{name}.py": _TEST.format(name),
    }
    for path in (*made, layout.source(name), layout.record(name)):
        if (root / path).exists():
            raise UsageError(f"'{path}' is there already", help="choose another name")
    for path, text in made.items():
        files.write_atomic(root / path, text.encode())
    return tuple(made)


def check_name(name: str) -> None:
    """Refuse a module name that is no C identifier, or that C or NASM use otherwise."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name) or keyword.iskeyword(name):
        raise UsageError(
            f"'{name}' cannot name a module",
            why="the name becomes a file, a C function and a Python test",
            help="use lower-case letters, digits and underscores, starting with a letter",
        )
    if include.escape(name) != name:
        raise UsageError(
            f"'{name}' cannot name a module",
            why="it is a word of NASM's own",
            help="choose another",
        )


def remove(root: Path, name: str) -> tuple[str, ...]:
    """Remove a module with all that is its own; refused while something uses it."""
    with lock.held(root / layout.LOCK):
        session = Session.open(root)
        session.named(name)
        users = _users(session, name)
        if users:
            raise UsageError(
                f"'{name}' is still used by {', '.join(users)}",
                help="take it out of their `uses`, includes and products first",
            )
        paths = [p for p in _own_files(root, session, name) if (root / p).exists()]
        own = session.workspace.interface_of(ModuleName(name))
        if session.workspace.implementers(own.name) != (name,):
            paths = [p for p in paths if p != own.path]
        for path in paths:
            files.remove(root / path)
        return tuple(paths)


def _users(session: Session, name: str) -> list[str]:
    """Return what names a module's interface (if it is its only implementer) or the module."""
    workspace = session.workspace
    own = workspace.specs[ModuleName(name)].implements
    users = [f"product {p.name}" for p in workspace.config.products.values()
             if name in (*p.roots, *p.bind.values())]  # fmt: skip
    if workspace.implementers(own) != (name,):
        return users
    users += [f"product {p.name}" for p in workspace.config.products.values() if own in p.offers]
    users += [s.path for n, s in workspace.specs.items()
              if n != name and own in {u.interface for u in s.uses}]  # fmt: skip
    if own == name:  # the header goes with the module
        users += [i.path for i in workspace.interfaces.values() if own in i.includes]
    return users


def _own_files(root: Path, session: Session, name: str) -> list[str]:
    own = [f"specs/{name}.md", layout.source(name), layout.record(name)]
    own += _tests(root, name)
    if session.workspace.specs[ModuleName(name)].implements == name:
        own.append(f"interfaces/{name}.h")
    return own


def _tests(root: Path, name: str) -> list[str]:
    """Return the files of a module's tests that are its alone, and its benchmark."""
    own = [p for p in layout.test_files(root, name) if not p.endswith("/conftest.py")]
    benchmark = layout.benchmark(name)
    return [*own, benchmark] if (root / benchmark).exists() else own


def rename(root: Path, name: str, to: str) -> tuple[str, ...]:
    """Rename a module and, where they share it, its interface; return the files written.

    Records are rewritten with it, so nothing becomes stale: a name is no part of what was
    promised. The functions keep their names.
    """
    check_name(to)
    with lock.held(root / layout.LOCK):
        session = Session.open(root)
        session.named(name)
        if to in session.modules or to in session.workspace.interfaces:
            raise UsageError(f"there is a '{to}' already", help="choose another name")
        shared = session.workspace.specs[ModuleName(name)].implements == name
        texts = _renamed(root, session, name, to, shared=shared)
        for path, data in texts.items():
            files.write_atomic(root / path, data)
        session.store.rename(ModuleName(name), ModuleName(to))
        for path in _own_files(root, session, name):
            files.remove(root / path)
        return tuple(sorted(texts))


def _renamed(root: Path, session: Session, name: str, to: str, *, shared: bool) -> dict[str, bytes]:
    """Return every file that a rename writes, with its new bytes."""
    front = (rf"^module: *{name}\b", f"module: {to}")
    implements = (rf"^implements: *{name}\b", f"implements: {to}")
    uses = (r"^uses:.*$", lambda m: re.sub(rf"(?<=[\[, ]){name}(?=[\],. ])", to, m[0]))
    include = (rf'^(\s*#\s*include\s+)"{name}\.h"', rf'\g<1>"{to}.h"')
    workspace = session.workspace
    moves: list[_Move] = [(f"specs/{name}.md", f"specs/{to}.md", front)]
    for path in _tests(root, name):
        target = path.replace(f"/test_{name}.py", f"/test_{to}.py")
        target = target.replace(layout.benchmark(name), layout.benchmark(to))
        old = f"{layout.MODULE_TESTS}/{name}/"
        moves.append((path, target.replace(old, f"{layout.MODULE_TESTS}/{to}/"), None))
    if shared:
        moves.append((f"interfaces/{name}.h", f"interfaces/{to}.h", None))
        for spec in workspace.specs.values():
            if spec.module != name:
                moves += [_in_place(spec.path, uses), _in_place(spec.path, implements)]
        moves += [_in_place(i.path, include) for i in workspace.interfaces.values()]
    made = _moved(root, moves) | _configuration(root, name, to, shared=shared)
    return made | _records(root, session, name, to, shared=shared)


def _configuration(root: Path, name: str, to: str, *, shared: bool) -> dict[str, bytes]:
    """Return pyproject.toml with the new name in its products, if it names the old one.

    Roots and what `bind` binds are modules; offers and the keys of `bind` are interfaces.
    """
    before = files.read_bytes(root / CONFIG)
    value = (rf"""(["']){name}(?=\1)""", rf"\g<1>{to}")
    bound = (rf"""(=\s*["']){name}(?=["'])""", rf"\g<1>{to}")
    key = (rf"""((?:^|[{{,])\s*["']?){name}(?=["']?\s*=)""", rf"\g<1>{to}")
    changes = {"roots": [value], "bind": [bound]}
    if shared:
        changes = {"roots": [value], "offers": [value], "bind": [bound, key]}
    lines, table, entry = [], "", ""
    for line in before.decode("utf-8").split("\n"):
        if line.startswith("["):
            table, entry = line, "bind" if line.rstrip().endswith(".bind]") else ""
        elif found := re.match(r"\s*(kind|roots|offers|bind)\s*=", line):
            entry = found[1]
        changed = line
        if table.startswith("[tool.asmith.products.") and line != table:
            for change in changes.get(entry, ()):
                changed = re.sub(*change, changed)
        lines.append(changed)
    after = "\n".join(lines).encode()
    if _products(after) != _products(before, {name: to}, shared=shared):
        raise UsageError(
            f"cannot rename '{name}' in the products",
            where=CONFIG,
            why="they name it in a form of TOML that asmith reads but cannot rewrite",
            help="write kind, roots, offers and bind on lines that begin with these words",
        )
    return {} if after == before else {CONFIG: after}


def _products(data: bytes, new: Mapping[str, str] | None = None, *, shared: bool = False) -> Any:
    """Return a configuration's products as plain values, with names replaced."""
    module = new or {}
    interface = module if shared else {}
    return [
        (
            p.name,
            [module.get(r, r) for r in p.roots],
            [interface.get(o, o) for o in p.offers],
            {interface.get(i, i): module.get(m, m) for i, m in p.bind.items()},
        )
        for p in parse(data).products.values()
    ]


_Change = tuple[str, "str | Callable[[re.Match[str]], str]"]
_Move = tuple[str, str, _Change | None]


def _in_place(path: str, change: _Change) -> _Move:
    return path, path, change


def _moved(root: Path, moves: Sequence[_Move]) -> dict[str, bytes]:
    """Return the bytes of each target whose path or text changes."""
    made: dict[str, bytes] = {}
    for path, target, change in moves:
        before = made.get(target) or files.read_bytes(root / path)
        text = before.decode("utf-8", "surrogateescape")
        if change is not None:
            text = re.sub(*change, text, flags=re.MULTILINE)
        after = text.encode("utf-8", "surrogateescape")
        if path != target or after != before:
            made[target] = after
    return made


def _records(root: Path, session: Session, name: str, to: str, *, shared: bool) -> dict[str, bytes]:
    made: dict[str, bytes] = {}
    source = files.read_if_exists(root / layout.source(name))
    if source is not None:
        made[layout.source(to)] = source
    for module in session.modules:
        data = files.read_if_exists(root / layout.record(module))
        if data is None:
            continue
        record = records.decode(data, layout.record(module))
        changed = _retold(record, name, to) if shared else record
        if module == name:
            changed = replace(changed, module=ModuleName(to))
        target = layout.record(to) if module == name else layout.record(module)
        encoded = records.encode(changed)
        if encoded != data:
            made[target] = encoded
    return made


def _retold(record: Record, name: str, to: str) -> Record:
    """Return a record in which an interface has its new name."""

    def rekey(texts: Mapping[str, Traced]) -> dict[str, Traced]:
        prefix = f"{name}."
        return {to + k[len(name) :] if k.startswith(prefix) else k: t for k, t in texts.items()}

    trace = record.trace
    uses = tuple(sorted(
        to + u[len(name) :] if u == name or u.startswith(f"{name}.") else u for u in trace.uses
    ))  # fmt: skip
    trace = replace(
        trace, uses=uses, exports=rekey(trace.exports), offers=rekey(trace.offers),
        imports=rekey(trace.imports),
    )  # fmt: skip
    implements = type(record.implements)(to) if record.implements == name else record.implements
    return replace(record, trace=trace, implements=implements)
