"""Waiting for a condition."""

from __future__ import annotations

import pytest

from demo import waiting
from demo.waiting import wait_until


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Virtual seconds: a pause is over at once, and the clock has gone on by it."""
    now = [0.0]
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(waiting.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def test_the_first_true_value_is_returned(clock: list[float]) -> None:
    """However long it takes within the limit."""
    assert wait_until(lambda: clock[0] > 200 and "there", "it is there") == "there"
    assert 200 < clock[0] < 201


def test_what_never_holds_is_named(clock: list[float]) -> None:
    """After the limit, not before."""
    with pytest.raises(TimeoutError, match="it is there"):
        wait_until(lambda: False, "it is there", 7)
    assert 7 < clock[0] < 8


def test_a_condition_that_holds_is_not_waited_for(clock: list[float]) -> None:
    """Also where the limit is over already."""
    assert wait_until(lambda: 3, "three", 0) == 3
    assert clock[0] == 0
