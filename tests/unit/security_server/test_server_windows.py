"""Pacing: what a ticket may have keys for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from security_server.windows import BEHIND_MS, SLACK_MS, Window

STARTS = tuple(range(0, 200_001, 2_000))


def test_a_fresh_play_opens_the_buffer_and_no_more() -> None:
    """At the moment of play, keys end at the buffer's end."""
    window = Window.of(0, 1_000, 1_000, True, 60_000 - SLACK_MS)
    assert window.clip(STARTS, 0, 100) == range(0, 30)


def test_time_moves_the_end_as_fast_as_the_clock() -> None:
    """Ten seconds later exactly five more two-second segments are open."""
    window = Window.of(0, 1_000, 11_000, True, 60_000 - SLACK_MS)
    assert window.clip(STARTS, 0, 100) == range(0, 35)


def test_before_play_time_opens_nothing() -> None:
    """An opened ticket that isn't played gains nothing by waiting."""
    window = Window.of(0, 1_000, 900_000, False, 60_000 - SLACK_MS)
    assert window.clip(STARTS, 0, 100) == range(0, 30)


def test_a_seek_moves_the_window() -> None:
    """After a seek to 100 s the beginning is closed and 100 s onwards is open."""
    window = Window.of(100_000, 0, 0, True, 60_000 - SLACK_MS)
    assert window.clip(STARTS, 0, 100).start == (100_000 - BEHIND_MS) // 2_000
    assert window.clip(STARTS, 50, 10) == range(50, 60)
    assert not window.clip(STARTS, 90, 10)


def test_the_last_segment_is_the_last() -> None:
    """Asking beyond the song gives what there is."""
    window = Window.of(190_000, 0, 0, True, 60_000 - SLACK_MS)
    assert window.clip(STARTS, 98, 100) == range(98, 100)
    assert not window.clip(STARTS, 4_000_000_000, 256)


@given(
    anchor=st.integers(0, 200_000),
    elapsed=st.integers(-10_000, 10**7),
    ahead=st.integers(0, 600_000),
    first=st.integers(0, 200),
    count=st.integers(0, 256),
)
def test_no_key_outside_the_window(anchor: int, elapsed: int, ahead: int, first: int, count: int) -> None:
    """Every granted segment was asked for, ends after the window's start and begins before its end."""
    window = Window.of(anchor, 0, elapsed, True, ahead)
    for index in window.clip(STARTS, first, count):
        assert first <= index < first + count
        assert STARTS[index + 1] > window.start_ms
        assert STARTS[index] < window.end_ms


def test_a_free_rate_moves_the_end_twice_as_fast_as_the_clock() -> None:
    """Where the terms let the listener choose the rate, ten seconds open twenty seconds of music and no more."""
    window = Window.of(0, 1_000, 11_000, True, 60_000 - SLACK_MS, 2)
    assert window.clip(STARTS, 0, 100) == range(0, 40)
