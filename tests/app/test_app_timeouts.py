"""Clients that keep a connection and say nothing. The waiting began with the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from app.background import Background
    from app.site import Own

TEN_SECONDS = pytest.approx(10.2, abs=0.6)  # looked at after at most 100 ms, and a busy machine
PATIENCE = 15


@pytest.fixture
def measured(own: Own, background: Background | None) -> Background:
    assert own is not None
    assert background is not None
    return background


def test_a_drain_lasts_five_seconds_at_most(measured: Background) -> None:
    seconds, status = measured.drain.result(PATIENCE)
    assert status == 0
    assert 4.5 < seconds < 5.6


def test_a_silent_client_is_closed_after_ten_seconds(measured: Background) -> None:
    assert measured.silent.result(PATIENCE) == TEN_SECONDS


def test_an_unfinished_request_is_closed_after_ten_seconds(measured: Background) -> None:
    assert measured.unfinished.result(PATIENCE) == TEN_SECONDS


def test_a_client_that_does_not_read_is_closed_after_ten_seconds(measured: Background) -> None:
    assert 9.0 < measured.deaf.result(PATIENCE) < 11.5
