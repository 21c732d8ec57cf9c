"""Choosing the fastest of several correct answers from their times."""

from __future__ import annotations

import pytest

from asmith.run.contest import LEAST_NOISE, choose


def test_the_fastest_wins() -> None:
    choice = choose([(1.0, 2.0, 0.5, 1.0), (2.0, 4.0, 1.0, 2.0), (1.0, 2.0, 0.5, 1.0)])
    assert choice.winner == 2
    assert choice.ratios == (1.0, 2.0, 0.5)
    assert choice.noise == LEAST_NOISE


def test_a_tie_keeps_the_first() -> None:
    assert choose([(1.0, 1 - LEAST_NOISE / 2, 1.0)]).winner == 0


def test_a_tie_of_two_that_are_faster_keeps_the_first_of_them() -> None:
    assert choose([(1.0, 0.501, 0.5, 1.0)]).winner == 1


def test_what_the_first_differs_from_itself_is_noise() -> None:
    choice = choose([(1.0, 0.9, 1.1), (1.1, 0.99, 1.0), (1.0, 0.9, 1.1)])
    assert choice.noise == pytest.approx(0.2)
    assert choice.winner == 0


def test_one_round_that_was_disturbed_decides_nothing() -> None:
    assert choose([(1.0, 1.5, 1.0), (9.0, 1.5, 1.0), (1.0, 1.5, 1.0)]).winner == 0
