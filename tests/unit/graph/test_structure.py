"""Questions of structure about the module graph."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from asmith.graph import structure

ROW = {"top": frozenset({"mid"}), "mid": frozenset({"leaf"}), "leaf": frozenset[str]()}
CIRCLE = {**ROW, "leaf": frozenset({"mid"})}
GRAPHS = st.dictionaries(st.sampled_from("abcdef"), st.frozensets(st.sampled_from("abcdef")))


def test_a_closure_holds_all_that_is_reached() -> None:
    assert structure.closure(ROW, ["mid"]) == ("leaf", "mid")
    assert structure.closure(CIRCLE, ["leaf", "top"]) == ("leaf", "mid", "top")
    assert structure.closure({}, ["alone"]) == ("alone",)


def test_a_cone_holds_all_that_reaches_it() -> None:
    assert structure.cone(ROW, ["mid"]) == {"mid", "top"}
    assert structure.cone(CIRCLE, ["leaf"]) == {"leaf", "mid", "top"}
    assert structure.cone(ROW, ["unknown"]) == set()


@given(GRAPHS)
def test_cones_and_closures_are_two_sides_of_one_relation(edges: dict[str, frozenset[str]]) -> None:
    nodes = {*edges, *(b for bs in edges.values() for b in bs)}
    for changed in nodes:
        cone = structure.cone(edges, [changed])
        assert cone == {n for n in nodes if changed in structure.closure(edges, [n])}


def test_cycles_are_groups_of_modules() -> None:
    assert structure.cycles(ROW) == ()
    assert structure.cycles(CIRCLE) == (("leaf", "mid"),)


def test_layers_put_callees_first_and_circles_on_one_level() -> None:
    assert structure.layers(ROW) == (("leaf",), ("mid",), ("top",))
    assert structure.layers(CIRCLE) == (("leaf", "mid"), ("top",))


def test_the_graph_in_graphviz_words() -> None:
    assert structure.dot({"b": frozenset({"a"}), "a": frozenset()}) == (
        'digraph modules {\n  rankdir=LR;\n  node [shape=box];\n  "a";\n  "b";\n  "b" -> "a";\n}\n'
    )
