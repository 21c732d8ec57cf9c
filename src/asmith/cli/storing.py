"""`asmith store`: look after the store of answers, carry it elsewhere, share it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asmith.cli.output import note, root_of, show_json
from asmith.errors import ExitCode, UsageError

if TYPE_CHECKING:
    import argparse

    from asmith.store.upkeep import Flaw, Verified

_WITH_FILE = ("export", "import")


def store(options: argparse.Namespace) -> int:
    """Do what was asked of the store."""
    if (options.file is not None) != (options.action in _WITH_FILE):
        form = "FILE" if options.action in _WITH_FILE else "no file"
        raise UsageError(f"asmith store {options.action} takes {form}", help="see asmith store -h")
    actions = {"verify": _verify, "gc": _gc, "export": _export, "import": _import, "push": _push}
    return actions[options.action](options, root_of(options))


def _verify(options: argparse.Namespace, root: Path) -> int:
    from asmith.run import storekeeping

    found = storekeeping.repair(root) if options.repair else storekeeping.verify(root)
    if options.json:
        flaws = [
            {"file": f".asmith/{f.name}", "why": f.why, "mended": f.mended, "aside": f.aside}
            for f in found.flaws
        ]
        show_json({"files": sum(found.counts.values()), "damaged": flaws})
    else:
        for flaw in found.flaws:
            note(options, _flaw(flaw))
        note(options, _summary(found, repaired=options.repair))
    return int(ExitCode.FINDINGS if found.flaws and not options.repair else ExitCode.OK)


def _flaw(flaw: Flaw) -> str:
    end = "help: asmith store verify --repair"
    if flaw.mended:
        end = f"mended from {flaw.mended}"
    elif flaw.aside:
        end = f"set aside: .asmith/{flaw.aside}; asmith counts it as unknown now"
    return f"damaged: .asmith/{flaw.name}\nwhy:  {flaw.why}\n{end}\n"


def _summary(found: Verified, *, repaired: bool) -> str:
    from asmith.store.contents import Kind

    counts = found.counts
    text = (
        f"{counts[Kind.BLOB]} objects, {counts[Kind.CANDIDATE]} accepted records, "
        f"{counts[Kind.LINES]} logs: "
    )
    if not found.flaws:
        return f"{text}all whole"
    if not repaired:
        return f"{text}{len(found.flaws)} damaged"
    mended = sum(bool(f.mended) for f in found.flaws)
    return f"{text}{mended} mended, {len(found.flaws) - mended} set aside"


def _gc(options: argparse.Namespace, root: Path) -> int:
    from asmith.run import storekeeping

    if options.days < 0:
        raise UsageError(f"--days {options.days:g}: a number of days is not negative")
    swept = storekeeping.sweep(root, options.days, dry=options.dry_run)
    if options.json:
        removed = [f".asmith/{n}" for n in swept.removed]
        show_json({"removed": removed, "bytes": swept.freed, "kept": swept.kept})
        return 0
    for name in swept.removed if options.dry_run or options.verbose else ():
        note(options, f".asmith/{name}")
    did = "would remove" if options.dry_run else "removed"
    files = _count(len(swept.removed), "file")
    note(options, f"{did} {files} ({swept.freed / 1024:.0f} KiB), {swept.kept} stay")
    return 0


def _export(options: argparse.Namespace, root: Path) -> int:
    from asmith.run import storekeeping

    count, left_out = storekeeping.export(root, Path(options.file))
    if options.json:
        show_json({"exported": count, "left_out": [f".asmith/{n}" for n in left_out]})
    else:
        for name in left_out:
            note(options, f"left out, since it is damaged: .asmith/{name}")
        note(options, f"exported {_count(count, 'file')} to {options.file}")
    return int(ExitCode.FINDINGS if left_out else ExitCode.OK)


def _import(options: argparse.Namespace, root: Path) -> int:
    from asmith.run import storekeeping

    new, known = storekeeping.take_in(root, Path(options.file))
    if options.json:
        show_json({"imported": new, "known": known})
    else:
        note(options, f"imported {_count(new, 'file')}, {known} were there already")
    return 0


def _push(options: argparse.Namespace, root: Path) -> int:
    from asmith.run import storekeeping

    sent = storekeeping.push(root)
    if options.json:
        show_json({"modules": list(sent)})
    else:
        note(options, f"sent what was accepted of {_count(len(sent), 'module')}")
    return 0


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
