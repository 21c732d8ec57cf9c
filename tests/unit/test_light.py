"""Light data classes do what Python's own do, in all that asmith uses."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmith import light

if TYPE_CHECKING:
    from collections.abc import Callable

Maker = Any


def kinds(maker: Maker) -> dict[str, type]:
    """Return classes that use what asmith uses, made in one of the two ways."""

    @maker.dataclass(frozen=True, slots=True, order=True)
    class Point:
        x: int
        y: int = 2
        note: str = maker.field(default="", compare=False)
        SIDES: ClassVar[int] = 4

        @property
        def sum(self) -> int:
            return self.x + self.y

    @maker.dataclass(slots=True)
    class Basket:
        name: str
        things: list[int] = maker.field(default_factory=list)
        count: int = maker.field(init=False)

        def __post_init__(self) -> None:
            self.count = len(self.things)

    @maker.dataclass(slots=True)
    class Larger(Basket):
        lid: bool = False

    @maker.dataclass(frozen=True, slots=True)
    class Named:
        name: str

        def __str__(self) -> str:
            return self.name

        def __repr__(self) -> str:
            return "!"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self))

        def __hash__(self) -> int:
            return 7

    @maker.dataclass(frozen=False)
    class Open:
        value: int = 1

    @maker.dataclass(frozen=True, slots=True)
    class Empty:
        pass

    return {c.__name__: c for c in (Point, Basket, Larger, Named, Open, Empty)}


OURS, THEIRS = kinds(light), kinds(dataclasses)


def both(do: Callable[[dict[str, type]], Any]) -> tuple[Any, Any]:
    """Return what comes of something with our classes and with theirs: a value, or an exception."""
    found = []
    for classes in (OURS, THEIRS):
        try:
            found.append(do(classes))
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is compared
            builtin = (c for c in type(error).__mro__ if c.__module__ == "builtins")
            found.append(next(builtin).__name__)
    return found[0], found[1]


CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Point", (1,), {}),
    ("Point", (1, 3), {"note": "n"}),
    ("Point", (), {"y": 1, "x": 2}),
    ("Point", (), {}),
    ("Point", (1, 2, 3, 4), {}),
    ("Point", (1,), {"z": 1}),
    ("Basket", ("b",), {}),
    ("Basket", ("b", [1, 2]), {}),
    ("Basket", ("b",), {"count": 1}),
    ("Larger", ("b", [1], True), {}),
    ("Named", ("n",), {}),
    ("Open", (), {}),
    ("Open", (5,), {}),
    ("Empty", (), {}),
]


def everything(one: Any) -> list[Any]:
    """Return all that can be seen of an object."""
    seen = [repr(one).rpartition(".")[2], str(one).rpartition(".")[2], type(one).__match_args__]
    seen += [getattr(one, n, "none") for n in ("x", "y", "note", "name", "things", "count", "lid")]
    return [*seen, getattr(one, "__slots__", "no slots"), type(one).__hash__ is None]


@pytest.mark.parametrize(("name", "arguments", "named"), CALLS)
def test_objects_are_made_alike(
    name: str, arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    ours, theirs = both(lambda classes: everything(classes[name](*arguments, **named)))
    assert ours == theirs


DEEDS: list[Callable[[dict[str, Any]], Any]] = [
    lambda c: c["Point"](1) == c["Point"](1, note="another"),
    lambda c: c["Point"](1) == (1, 2),
    lambda c: hash(c["Point"](1, 3)) == hash(c["Point"](1, 3, "n")),
    lambda c: hash(c["Basket"]("b")),
    lambda c: hash(c["Named"]("b")) == hash(c["Named"]("b")),
    lambda c: c["Named"]("a") == c["Named"]("b"),
    lambda c: c["Point"](1) < c["Point"](1, 3),
    lambda c: c["Point"](1) < 1,
    lambda c: c["Basket"]("a") < c["Basket"]("b"),
    lambda c: setattr(c["Point"](1), "x", 2),
    lambda c: delattr(c["Point"](1), "x"),
    lambda c: setattr(c["Basket"]("b"), "z", 2),
    lambda c: setattr(c["Open"](), "z", 2),
    lambda c: c["Basket"]("a").things is c["Basket"]("a").things,
    lambda c: c["Open"].value,
    lambda c: c["Point"].SIDES,
    lambda c: c["Point"](3).sum,
    lambda c: copy.copy(c["Point"](3)) == c["Point"](3),
    lambda c: copy.deepcopy(c["Basket"]("b", [1])) == c["Basket"]("b", [1]),
    lambda c: dataclasses.replace(c["Point"](3), y=4) == c["Point"](3, 4),
    lambda c: isinstance(c["Larger"]("b"), c["Basket"]),
]


@pytest.mark.parametrize("deed", DEEDS)
def test_objects_behave_alike(deed: Callable[[dict[str, type]], Any]) -> None:
    ours, theirs = both(deed)
    assert ours == theirs


@pytest.mark.parametrize("name", ["Point", "Basket", "Larger"])
def test_replacing_and_listing_fields(name: str) -> None:
    for maker, classes in ((light, OURS), (dataclasses, THEIRS)):
        one: Any = classes[name]("name")
        field = type(one).__match_args__[0]
        other = maker.replace(one, **{field: "other"})
        assert getattr(other, field) == "other"
        assert getattr(one, field) == "name"
        with pytest.raises(TypeError):
            maker.replace(one, nothing=1)
    names = [[f.name for f in m.fields(c[name])] for m, c in ((light, OURS), (dataclasses, THEIRS))]
    assert names[0] == names[1]


POINTS = st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from(["", "n"]))


@given(POINTS, POINTS)
def test_comparisons_are_the_same(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    def compared(classes: dict[str, Any]) -> list[Any]:
        a, b = classes["Point"](*one), classes["Point"](*other)
        return [a == b, a != b, a < b, a <= b, a > b, a >= b, len({a, b})]

    ours, theirs = both(compared)
    assert ours == theirs


@light.dataclass(frozen=True, slots=True)
class Kept:
    """A class that pickle finds."""

    name: str
    more: tuple[int, ...] = ()


def test_frozen_objects_can_be_kept() -> None:
    one = Kept("n", (1, 2))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(one, protocol)) == one  # noqa: S301 -- our own
