"""The screen before a link: a clean one means that no rule of the link level finds anything."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from check_support import examples, link, link_example

from asmith.check.engine import Level, check_link
from asmith.check.rules import all_rules
from asmith.check.screen import Screen, summary, summary_of
from asmith.model.names import InterfaceName, canonical_json

if TYPE_CHECKING:
    from typing import Any

    from asmith.check.engine import LinkInput

DOCS = [r.doc for r in all_rules() if r.level is Level.LINK]
FAILS = [text for doc in DOCS for text in examples(doc, "json", "fails")]
PASSES = [text for doc in DOCS for text in examples(doc, "json", "passes")]


def is_clean(subject: LinkInput, screen: Screen | None = None) -> bool:
    """Screen a link as a build does it."""
    if any(stamp is None for _, _, stamp in subject.objects):
        return False  # no summary without a stamp
    screen = Screen() if screen is None else screen
    screen.hold((n, summary(f, s)) for n, f, s in subject.objects if s is not None)

    def provided(symbol: str, interface: str) -> bool:
        known = subject.interfaces.get(InterfaceName(interface))
        library = known.library.name if known is not None and known.library is not None else ""
        return symbol in subject.libraries.get(library, ())

    everywhere = frozenset[str]().union(*subject.libraries.values())
    return screen.clean(subject.entry_points, provided, everywhere.__contains__)


@pytest.mark.parametrize("text", FAILS)
def test_what_a_rule_finds_is_not_clean(text: str) -> None:
    assert check_link(link_example(text)).findings
    assert not is_clean(link_example(text))


@pytest.mark.parametrize("text", PASSES)
def test_what_passes_is_clean_but_for_names_of_libraries_without_a_contract(text: str) -> None:
    subject = link_example(text)
    contracts = {s.partition(".")[2] for _, _, st in subject.objects if st for s in st.imports}
    needed = {s.name for _, f, _ in subject.objects for s in f.symbols if s.undefined}
    defined = {s.name for _, f, _ in subject.objects for s in f.exports()}
    if needed - defined <= contracts and all(s is not None for _, _, s in subject.objects):
        assert is_clean(subject)


def test_sums_follow_every_change() -> None:
    """One screen through random changes says what a new one says; clean ones pass the rules."""
    chosen = random.Random(5)  # noqa: S311 -- reproducible
    kept = Screen()
    clean = 0
    for _ in range(300):
        subject = link(described(chosen))
        found = is_clean(subject)
        assert is_clean(subject, kept) == found
        if found:
            assert check_link(subject).findings == ()
            clean += 1
    assert 30 < clean < 270


def described(chosen: random.Random) -> dict[str, Any]:
    """Return a link of a few modules, right or wrong."""
    names = chosen.sample("abcdef", chosen.randrange(1, 5))
    objects: list[dict[str, Any]] = []
    for name in names:
        callee = chosen.choice(names)
        odd = chosen.random() < 0.15
        objects.append(
            {
                "module": name,
                "defines": [name, *(["a"] if chosen.random() < 0.05 else [])],
                "needs": [callee, *(["malloc"] if chosen.random() < 0.3 else [])],
                "offers": {f"{name}.{name}": f"int {name}(void)"},
                "imports": {
                    f"{callee}.{callee}": f"{'long' if odd else 'int'} {callee}(void)",
                    "libc.malloc": "void *malloc(size_t n)",
                },
                "values": {"shape.size": "8" if chosen.random() < 0.95 else "16"},
            }
        )
    exported = ["malloc", *(["b"] if chosen.random() < 0.05 else [])]
    return {
        "objects": objects,
        "external": {"libc": {"library": "libc", "functions": ["malloc"]}},
        "libraries": {"libc": exported} if chosen.random() < 0.9 else {},
        "entry_points": [chosen.choice(names)],
    }


def test_a_summary_survives_json_and_the_index() -> None:
    for text in PASSES:
        for _, facts, stamp in link_example(text).objects:
            if stamp is not None:
                import json
                import marshal

                made = summary(facts, stamp)
                assert summary_of(json.loads(canonical_json(made))) == made
                assert summary_of(marshal.loads(marshal.dumps(tuple(made)))) == made  # noqa: S302
    assert summary_of(None) is None


def test_two_objects_without_a_name_in_common_do_not_meet() -> None:
    subject = link_example(PASSES[0])
    assert is_clean(replace(subject, objects=()), None) == (not subject.entry_points)
