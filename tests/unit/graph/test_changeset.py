"""Which modules one edit ties together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from asmith.graph.changeset import partition
from asmith.model.names import ModuleName


def sets(touched: dict[str, set[str]]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the change-sets of dirty modules as plain values."""
    found = partition({ModuleName(m): frozenset(t) for m, t in touched.items()})
    return [(s.modules, s.because) for s in found]


def test_modules_that_share_no_interface_move_alone() -> None:
    assert sets({"b": {"y"}, "a": {"x"}, "c": set()}) == [
        (("a",), ("x",)),
        (("b",), ("y",)),
        (("c",), ()),
    ]


def test_modules_that_share_an_interface_move_together() -> None:
    assert sets({"a": {"x"}, "b": {"x"}}) == [(("a", "b"), ("x",))]


def test_ties_reach_across_modules() -> None:
    assert sets({"a": {"x"}, "c": {"y"}, "b": {"x", "y"}, "d": {"z"}}) == [
        (("a", "b", "c"), ("x", "y")),
        (("d",), ("z",)),
    ]


def test_nothing_dirty_is_no_set() -> None:
    assert sets({}) == []


MODULES = st.dictionaries(
    st.sampled_from("abcdefgh"), st.sets(st.sampled_from("stuvw"), max_size=3)
)


@given(MODULES)
def test_each_module_is_in_one_set_and_no_interface_in_two(touched: dict[str, set[str]]) -> None:
    found = sets(touched)
    assert sorted(m for ms, _ in found for m in ms) == sorted(touched)
    ties = [t for _, ts in found for t in ts]
    assert len(ties) == len(set(ties))


@given(MODULES)
def test_a_set_of_several_hangs_together(touched: dict[str, set[str]]) -> None:
    for modules, _ in sets(touched):
        reached, todo = set(), [modules[0]]
        while todo:
            module = todo.pop()
            if module not in reached:
                reached.add(module)
                todo += [m for m in modules if touched[m] & touched[module]]
        assert reached == set(modules)
