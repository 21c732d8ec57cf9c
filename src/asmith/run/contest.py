"""Which of several correct answers is the fastest, judged from times on a machine that is noisy."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_NOISE = 0.02  # times closer than this are never told apart


@dataclass(frozen=True, slots=True)
class Choice:
    """What a contest came to; times are ratios to the first candidate's."""

    winner: int
    ratios: tuple[float, ...]  # by candidate, each the median over the rounds; the first is 1
    noise: float  # 0.1: of two times, one that is up to 1.1 of the other is a tie


def choose(rounds: Sequence[Sequence[float]]) -> Choice:
    """Choose the fastest candidate; in a tie, the one that came first.

    Each round holds the time of every candidate, and after them a second time of the first one.
    The noise is twice the median by which the longer of the two times of the first exceeds the
    shorter, and at least `LEAST_NOISE`.
    """
    ratios = tuple(median(r[k] / r[0] for r in rounds) for k in range(len(rounds[0]) - 1))
    noise = max(LEAST_NOISE, 2 * median(max(r[0], r[-1]) / min(r[0], r[-1]) - 1 for r in rounds))
    tie = min(ratios) * (1 + noise)
    winner = next(k for k, ratio in enumerate(ratios) if ratio <= tie)
    return Choice(winner, ratios, noise)
