"""Waiting for a condition."""

from __future__ import annotations

import pytest

from demo import waiting
from demo.waiting import wait_until


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A virtual clock: a pause returns at once, and advances the clock."""
    now = [0.0]
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(waiting.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def test_the_first_true_value_is_returned(clock: list[float]) -> None:
    """However long it takes within the limit."""
    assert wait_until(lambda: clock[0] > 200 and "there", "it is there") == "there"
    assert 200 < clock[0] < 201


def test_a_timeout_names_its_condition(clock: list[float]) -> None:
    """After the limit, not before."""
    with pytest.raises(TimeoutError, match="it is there"):
        wait_until(lambda: False, "it is there", 7)
    assert 7 < clock[0] < 8


def test_a_true_condition_is_returned_at_once(clock: list[float]) -> None:
    """Also where the limit is over already."""
    assert wait_until(lambda: 3, "three", 0) == 3
    assert clock[0] == 0
