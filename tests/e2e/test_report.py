"""`asmith report`: on a terminal, as JSON, and as a page that a browser shows well."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from asmith.host import clock
from asmith.report import making, page, summary
from asmith.report.modules import Graph
from asmith.run import layout
from fakes.iterations import NAMES, busy

if TYPE_CHECKING:
    from pathlib import Path

    from asmith.model.iteration import Iteration
    from fakes.command import Command
    from fakes.sample import Sample

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def test_it_reports_what_was_built(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.ran()
    said = asmith(plain, "report")
    assert (said.code, said.err) == (0, "")
    assert re.search(r"^requirement +1 +\d.*1 of 3 +9\d.*%$", said.out, re.MULTILINE)
    made = json.loads(asmith(plain, "report", "--json").out)
    assert (made["schema"], made["iterations"], made["modules"]) == (1, 2, 3)
    assert [k["kind"] for k in made["kinds"]] == ["new module", "requirement"]


def test_before_the_first_iteration_it_says_what_to_do(asmith: Command, plain: Sample) -> None:
    plain.remove(".asmith")
    said = asmith(plain, "report", "--html", str(plain.root / "report.html"))
    assert (said.code, said.out) == (0, f"wrote {plain.root / 'report.html'}\n")
    assert "Nothing to show yet" in plain.read("report.html")
    assert asmith(plain, "report").out.startswith("no iteration yet: ")


def test_the_page_marks_the_cone_of_the_last_change(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.ran()
    asmith(plain, "report", "-q", "--html", str(plain.root / "report.html"))
    text = plain.read("report.html")
    shown = dict(re.findall(r"<title>(\w+): (changed|linked again|untouched)</title>", text))
    assert shown == {"mid": "changed", "top": "linked again", "leaf": "untouched"}


def test_the_page_needs_nothing_else() -> None:
    made = page_of(busy())
    assert re.findall(r"(?:src|href|url|@import)\b\s*[=(:]", made) == []
    assert "<script" not in made
    assert len(made) < 250_000


def test_a_project_that_cannot_be_read_has_a_page_without_a_graph(plain: Sample) -> None:
    plain.write("specs/mid.md", "nothing")
    assert making.graph(plain.root, busy()) is None


def test_a_damaged_log_is_told(asmith: Command, plain: Sample) -> None:
    for name in ("-wal", "-shm"):
        (plain.root / f"{layout.ITERATIONS}{name}").unlink(missing_ok=True)
    plain.write(layout.ITERATIONS, "no database" * 100)
    said = asmith(plain, "report")
    assert said.code == 1
    assert said.messages() == ["error: the iteration log cannot be used: file is not a database"]


def page_of(iterations: tuple[Iteration, ...]) -> str:
    """Return the page of a log with a graph of many modules."""
    layers = (NAMES[:6], NAMES[6:11], NAMES[11:])
    edges = {n: frozenset(NAMES[:2]) for n in NAMES[6:]}
    graph = Graph(layers, edges, frozenset({"app"}), frozenset({"app", *NAMES[6:]}))
    figures = summary.of(iterations)
    return page.render(page.Report("project", iterations, figures, graph, clock.now()))


MEASURE = """
<script>
const faults = [];
const wide = document.documentElement.scrollWidth;
if (wide > innerWidth) faults.push(`the page is ${wide} wide in ${innerWidth}`);
for (const svg of document.querySelectorAll("svg")) {
  const frame = svg.getBoundingClientRect();
  if (!frame.width) continue;
  const texts = [...svg.querySelectorAll("text")]
    .map(t => [t.textContent, t.getBoundingClientRect()]);
  texts.forEach(([a, p], i) => {
    if (p.left < frame.left - 1 || p.right > frame.right + 1) faults.push(`cut off: ${a}`);
    if (p.height < 8) faults.push(`tiny: ${a}`);
    for (const [b, q] of texts.slice(i + 1))
      if (p.left < q.right && q.left < p.right && p.top + 3 < q.bottom && q.top + 3 < p.bottom)
        faults.push(`overlap: ${a} and ${b}`);
  });
}
const drawn = [...document.querySelectorAll("svg")].filter(s => s.getBoundingClientRect().width);
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const paper = getComputedStyle(document.body).backgroundColor;
const seen = JSON.stringify({faults, drawn: drawn.length, dark, paper, wide: innerWidth});
parent.postMessage(seen, "*");
</script>
"""
FRAME = """
<iframe src="page.html" width="{0}" height="2000" style="border:0"></iframe>
<script>onmessage = e => document.body.innerHTML = "<pre>" + e.data + "</pre>";</script>
"""


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("count", [90, 1], ids=["busy", "first"])
def test_a_browser_shows_the_page_well(
    tmp_path: Path, width: int, count: int, *, dark: bool
) -> None:
    assert CHROMIUM is not None
    made = page_of(busy(count)).replace("</body>", f"{MEASURE}</body>")
    (tmp_path / "page.html").write_text(made, encoding="utf-8")
    frame = tmp_path / "frame.html"  # a window of Chromium's own is never narrower than 500
    frame.write_text(FRAME.format(width), encoding="utf-8")
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *scheme,
            f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,2100", "--dump-dom",
            "--virtual-time-budget=5000", frame.as_uri(),
        ],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found = re.search(r"<pre>(.*)</pre>", done.stdout)
    assert found, done.stderr
    seen = json.loads(found[1].replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
    assert (seen["wide"], seen["faults"]) == (width, [])
    assert seen["drawn"] == (4 if count > 1 else 3)
    assert (seen["dark"], seen["paper"]) == (
        (True, "rgb(15, 20, 25)") if dark else (False, "rgb(246, 247, 249)")
    )
