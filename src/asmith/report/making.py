"""Reading the log and the module graph of a project, and writing the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.errors import AsmithError
from asmith.graph import structure
from asmith.host import clock, files
from asmith.report import page, summary
from asmith.report.modules import Graph
from asmith.run import layout
from asmith.run.session import Session
from asmith.store.iterations import Log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from asmith.model.iteration import Iteration


def read(root: Path) -> tuple[Iteration, ...]:
    """Return the iterations of a project, the oldest first; raises `LogError`."""
    return Log(root / layout.ITERATIONS).read()


def write_page(root: Path, iterations: Sequence[Iteration], target: Path) -> None:
    """Write the page of a project to a file."""
    report = page.Report(
        project=root.resolve().name,
        iterations=iterations,
        figures=summary.of(iterations),
        graph=graph(root, iterations),
        made=clock.now(),
    )
    files.write_atomic(target, page.render(report).encode())


def graph(root: Path, iterations: Sequence[Iteration]) -> Graph | None:
    """Return the module graph with the cone of the last iteration that changed a text.

    It is as the project is now; None where the project cannot be read.
    """
    try:
        edges = Session.open(root).edges()
    except AsmithError:
        return None
    changed = next((c for i in reversed(iterations) if (c := _changed(i))), frozenset())
    changed &= frozenset(edges)
    return Graph(structure.layers(edges), edges, changed, structure.cone(edges, changed))


def _changed(iteration: Iteration) -> frozenset[str]:
    """Return the modules whose text an iteration changed, by an answer or by hand."""
    paths = (f.path for f in iteration.files if f.path.startswith("modules/"))
    by_hand = {p.removeprefix("modules/").removesuffix(".asm") for p in paths}
    return frozenset({*iteration.regenerated, *by_hand})
