"""Pacing: what a ticket may have keys for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from security_server.windows import BEHIND_MS, JUMPS_MS, NEAR_MS, PLACE_MS, SLACK_MS, Allowance, Window

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


def test_jumps_without_listening_open_six_places_in_all() -> None:
    """Jumps through a song of which nothing was heard: the buffer and six places, then only what was open before."""
    given, opened = 0, []
    for position in range(0, 200_000, 12_000):
        wanted = Window.of(position, position, 60_000).clip(STARTS, position // 2_000, 16)
        indexes, given = Allowance.of(0, 60_000, 0, position).take(STARTS, wanted, given)
        opened.append(len(indexes))
    assert opened[:2] == [16, 16]
    assert opened[-1] == 0
    assert BEHIND_MS + 60_000 < given.bit_count() * 1000 <= BEHIND_MS + 60_000 + SLACK_MS + JUMPS_MS
    again = Window.of(0, 0, 60_000).clip(STARTS, 0, 16)
    assert Allowance.of(0, 60_000, 0, 0).take(STARTS, again, given)[0] == again


def test_a_listener_who_hears_half_a_minute_at_each_place_jumps_on_for_ever() -> None:
    """An hour's song, a jump every 32 s to where nothing was heard: keys always come in time."""
    starts = tuple(range(0, 3_600_001, 2_000))
    given = heard = 0
    for place in range(0, 3_600_000, 96_000):
        for position in range(place, place + 32_001, 4_000):
            wanted = Window.of(place, position, 60_000).clip(starts, position // 2_000, 16)
            indexes, given = Allowance.of(heard, 60_000, 0, position).take(starts, wanted, given)
            assert starts[indexes.stop] >= position + NEAR_MS
            heard += 4_000 if position < place + 32_000 else 0


def test_a_jump_that_the_terms_count_opens_a_buffer_of_its_own() -> None:
    """With the whole buffer out, a counted seek brings more than what lasts until the next renewal."""
    wanted = Window.of(0, 0, 60_000).clip(STARTS, 0, 100)
    _, given = Allowance.of(0, 60_000, 0, 0).take(STARTS, wanted, 0)
    there = Window.of(150_000, 150_000, 60_000).clip(STARTS, 75, 25)
    uncounted, _ = Allowance.of(0, 60_000, 0, 150_000).take(STARTS, there, given)
    counted, _ = Allowance.of(0, 60_000, 1, 150_000).take(STARTS, there, given)
    assert STARTS[uncounted.stop] == 150_000 + NEAR_MS
    assert counted == there
    many, _ = Allowance.of(0, 60_000, 20, 150_000).take(STARTS, there, (1 << 150) - 1)
    assert many == there


JUMPED = st.lists(st.tuples(st.integers(0, 199_000), st.integers(0, 20_000), st.integers(0, 99)), max_size=40)


@given(JUMPED, st.integers(0, 9))
def test_no_order_of_jumps_brings_more_than_was_heard(steps: list[tuple[int, int, int]], jumps: int) -> None:
    """Wherever a play goes, keys are bounded by what was heard, one buffer and the room for jumps."""
    given = heard = 0
    for anchor, more, first in steps:
        position, heard = anchor + more, heard + more
        wanted = Window.of(anchor, position, 60_000).clip(STARTS, first, 100)
        before, allowance = given, Allowance.of(heard, 60_000, jumps, position)
        indexes, given = allowance.take(STARTS, wanted, given)
        assert given & before == before
        assert indexes.start == wanted.start
        assert given.bit_count() * 1000 <= max(allowance.most_ms, allowance.full_ms)
    room = max(JUMPS_MS, jumps * PLACE_MS)
    assert given.bit_count() * 1000 <= heard + heard // 4 + BEHIND_MS + 60_000 + SLACK_MS + room
