"""Pacing: what a ticket may have keys for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from security_server.windows import BEHIND_MS, JUMP_MS, NEAR_MS, SLACK_MS, Allowance, Window

STARTS = tuple(range(0, 200_001, 2_000))


def test_a_fresh_play_opens_the_buffer_and_no_more() -> None:
    """At the moment of play, keys end at the buffer's end."""
    window = Window.of(0, 0, 60_000 - SLACK_MS)
    assert window.clip(STARTS, 0, 100) == range(0, 30)


def test_what_was_heard_moves_the_end() -> None:
    """Ten heard seconds later exactly five more two-second segments are open."""
    window = Window.of(0, 10_000, 60_000 - SLACK_MS)
    assert window.clip(STARTS, 0, 100) == range(0, 35)


def test_a_seek_moves_the_window() -> None:
    """After a seek to 100 s the beginning is closed and 100 s onwards is open."""
    window = Window.of(100_000, 100_000, 60_000 - SLACK_MS)
    assert window.clip(STARTS, 0, 100).start == (100_000 - BEHIND_MS) // 2_000
    assert window.clip(STARTS, 50, 10) == range(50, 60)
    assert not window.clip(STARTS, 90, 10)


def test_the_last_segment_is_the_last() -> None:
    """Asking beyond the song gives what there is."""
    window = Window.of(190_000, 190_000, 60_000)
    assert window.clip(STARTS, 98, 100) == range(98, 100)
    assert not window.clip(STARTS, 4_000_000_000, 256)


@given(
    anchor=st.integers(0, 200_000),
    heard=st.integers(0, 10**7),
    ahead=st.integers(0, 600_000),
    first=st.integers(0, 200),
    count=st.integers(0, 256),
)
def test_no_key_outside_the_window(anchor: int, heard: int, ahead: int, first: int, count: int) -> None:
    """Every granted segment was asked for, ends after the window's start and begins before its end."""
    window = Window.of(anchor, anchor + heard, ahead)
    for index in window.clip(STARTS, first, count):
        assert first <= index < first + count
        assert STARTS[index + 1] > window.start_ms
        assert STARTS[index] < window.end_ms


def test_a_listener_who_goes_on_always_gets_the_next_buffer() -> None:
    """A whole song heard from its beginning, with a renewal every five seconds: each brings all of its window."""
    given = 0
    for position in range(0, 200_000, 5_000):
        wanted = Window.of(0, position, 60_000).clip(STARTS, 0, 100)
        indexes, given = Allowance.of(position, 60_000, 0, position).take(STARTS, wanted, given)
        assert indexes == wanted


def test_jumps_that_nothing_counts_open_half_a_minute_in_all() -> None:
    """Sixty jumps through a song of which nothing was heard: the buffer, and the room of one jump."""
    given = 0
    for position in range(0, 200_000, 3_000):
        wanted = Window.of(position, position, 60_000).clip(STARTS, 0, 100)
        _, given = Allowance.of(0, 60_000, 0, position).take(STARTS, wanted, given)
    assert given.bit_count() * 1000 <= BEHIND_MS + 60_000 + SLACK_MS + JUMP_MS


def test_a_jump_that_the_terms_count_opens_half_a_minute_of_its_own() -> None:
    """After a play of which the whole buffer is out, a counted seek brings more than the room until the next renewal."""
    wanted = Window.of(0, 0, 60_000).clip(STARTS, 0, 100)
    _, given = Allowance.of(0, 60_000, 0, 0).take(STARTS, wanted, 0)
    there = Window.of(150_000, 150_000, 60_000).clip(STARTS, 75, 25)
    uncounted, _ = Allowance.of(0, 60_000, 0, 150_000).take(STARTS, there, given)
    counted, _ = Allowance.of(0, 60_000, 1, 150_000).take(STARTS, there, given)
    assert [STARTS[indexes.stop] - 150_000 for indexes in (uncounted, counted)] == [NEAR_MS, JUMP_MS + 4_000]


@given(st.lists(st.tuples(st.integers(0, 199_000), st.integers(0, 20_000), st.integers(0, 99)), max_size=40), st.integers(0, 3))
def test_no_order_of_jumps_brings_more_than_was_heard_and_the_buffer(steps: list[tuple[int, int, int]], jumps: int) -> None:
    """Wherever a play goes and whatever it asks for, keys are bounded by what was heard, one buffer and the room for jumps."""
    given = heard = 0
    for anchor, more, first in steps:
        position, heard = anchor + more, heard + more
        wanted = Window.of(anchor, position, 60_000).clip(STARTS, first, 100)
        before = given
        indexes, given = Allowance.of(heard, 60_000, jumps, position).take(STARTS, wanted, given)
        assert given & before == before
        assert indexes.start == wanted.start
        assert given.bit_count() * 1000 <= heard + BEHIND_MS + 60_000 + SLACK_MS + (jumps + 1) * JUMP_MS
