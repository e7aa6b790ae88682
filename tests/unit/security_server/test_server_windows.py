"""Pacing: what a ticket may have keys for."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from pywallet.rules.key_window import BEHIND_MS, Window
from pywallet.rules.limits import CLOCK_SLACK_MS
from security_server.playback.key_allowance import (
    JUMPS_MS,
    LONGEST_WAIT_MS,
    NEAR_MS,
    PLACE_MS,
    SOON_MS,
    WAITED_PER_ROOM,
    Allowance,
    Wait,
)

STARTS = tuple(range(0, 200_001, 2_000))
LONG = tuple(range(0, 3_600_001, 2_000))


def test_a_fresh_play_opens_the_buffer_and_no_more() -> None:
    """At the moment of play, keys end at the buffer's end."""
    window = Window.of(0, 0, 60_000 - CLOCK_SLACK_MS)
    assert window.clip(STARTS, 0, 100) == range(0, 30)


def test_what_was_heard_moves_the_end() -> None:
    """Ten heard seconds later exactly five more two-second segments are open."""
    window = Window.of(0, 10_000, 60_000 - CLOCK_SLACK_MS)
    assert window.clip(STARTS, 0, 100) == range(0, 35)


def test_a_seek_moves_the_window() -> None:
    """After a seek to 100 s the beginning is closed and 100 s onwards is open."""
    window = Window.of(100_000, 100_000, 60_000 - CLOCK_SLACK_MS)
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


def test_jumps_without_listening_open_some_places_in_all() -> None:
    """Jumps through a song of which nothing was heard: the buffer and a few places, then only what was open before."""
    given, opened = 0, []
    for position in range(0, 400_000, 12_000):
        wanted = Window.of(position, position, 60_000).clip(LONG, position // 2_000, 16)
        indexes, given = Allowance.of(0, 60_000, 0, position).take(LONG, wanted, given)
        opened.append(len(indexes))
    assert opened[:2] == [16, 16]
    assert sum(n > 0 for n in opened) > 10
    assert opened[-1] == 0
    assert BEHIND_MS + 60_000 < given.bit_count() * 1000 <= BEHIND_MS + 60_000 + CLOCK_SLACK_MS + JUMPS_MS
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
    assert given.bit_count() * 1000 <= heard + heard // 4 + BEHIND_MS + 60_000 + CLOCK_SLACK_MS + room


@dataclass
class Seeker:
    """A listener who jumps about in a song of which it hears ``heard_ms`` at each place, in steps of a quarter second.

    It asks as the player does: for 4 s at a new place, and for more with what it hears there.
    """

    length_ms: int
    given: int = 0
    heard_ms: int = 0
    now_ms: int = 1
    wait: Wait = field(default_factory=Wait)
    waits: list[int] = field(default_factory=list)
    """Milliseconds of silence at each place."""

    def jump(self, place_ms: int, listen_ms: int) -> None:
        """Go there and listen for so long; it ends only when so much was heard."""
        have, position_ms, silent_ms = set[int](), place_ms, 0
        while position_ms < min(place_ms + listen_ms, self.length_ms):
            first = max(0, place_ms // 2_000 - 1)
            while first in have:
                first += 1
            until_ms = position_ms + min(12_000, max(4_000, position_ms - place_ms))
            if 2_000 * first < min(until_ms, self.length_ms):
                have |= set(self.ask(place_ms, position_ms, first, -(-until_ms // 2_000) - first))
            self.now_ms += 250
            if position_ms // 2_000 in have:
                position_ms += 250
                self.heard_ms += 250
            else:
                silent_ms += 250
                assert silent_ms <= LONGEST_WAIT_MS + 1_000
        self.waits.append(silent_ms)

    def ask(self, anchor_ms: int, position_ms: int, first: int, count: int) -> range:
        """As the server answers (``given_keys.give_keys``)."""
        starts = LONG[: self.length_ms // 2_000 + 1]
        wanted = Window.of(anchor_ms, position_ms, 60_000).clip(starts, first, count)
        for again in (True, False):
            allowance = Allowance.of(self.heard_ms, 60_000, 0, position_ms, self.wait.waited_ms)
            indexes, self.given = allowance.take(starts, wanted, self.given)
            if indexes or not again:
                break
            self.wait, later_ms = self.wait.after(allowance.short_ms(starts, wanted, self.given), self.now_ms)
            if later_ms:
                return range(0)
        if indexes:
            self.wait = Wait(self.wait.waited_ms)
        return indexes


def test_a_seek_every_three_seconds_through_a_song_never_waits() -> None:
    """Forty places of a four-minute song, two and a half seconds heard at each, in any order."""
    for seed in range(20):
        draw, seeker = random.Random(seed), Seeker(240_000)
        for _ in range(40):
            seeker.jump(draw.randrange(230_000), 2_500)
        assert seeker.waits == [0] * 40


def test_who_jumps_about_in_an_hour_waits_a_moment_and_always_goes_on() -> None:
    """Forty places of an hour, three seconds at each.

    The first dozen at once, and none after more than the longest wait.
    """
    seeker, draw = Seeker(3_600_000), random.Random(1)
    for _ in range(40):
        seeker.jump(draw.randrange(3_500_000), 3_000)
    assert seeker.waits[:12] == [0] * 12
    assert 0 < max(seeker.waits) <= LONGEST_WAIT_MS
    assert sum(seeker.waits) / len(seeker.waits) <= 5_000
    # The bound: what was heard and a quarter, the buffer, the room, and half of the clock.
    bound = seeker.heard_ms * 5 // 4 + BEHIND_MS + 60_000 + CLOCK_SLACK_MS + JUMPS_MS + seeker.wait.waited_ms
    assert seeker.given.bit_count() * 1000 <= bound
    assert WAITED_PER_ROOM * seeker.wait.waited_ms <= seeker.now_ms


def test_a_wait_opens_what_the_music_needs_next_and_no_more() -> None:
    """Nothing at once, the next segments after twice their length, and an hour's wait opens no more than they are."""
    allowance = Allowance.of(0, 60_000, 0, 100_000)
    wanted, given = range(50, 60), (1 << 119) - 1 << 200
    short_ms = allowance.short_ms(LONG, wanted, given)
    assert allowance.take(LONG, wanted, given)[0] == range(50, 50)
    assert short_ms == 2_000 >= SOON_MS
    waiting, later_ms = Wait().after(short_ms, 7_000)
    assert (waiting, later_ms) == (Wait(0, 7_000), 2 * short_ms)
    assert waiting.after(short_ms, 10_999) == (waiting, 1)
    for now_ms in (11_000, 3_600_000):
        done, left_ms = waiting.after(short_ms, now_ms)
        assert (done, left_ms) == (Wait(short_ms, 0), 0)
        assert Allowance.of(0, 60_000, 0, 100_000, done.waited_ms).take(LONG, wanted, given)[0] == range(50, 51)


def test_music_that_has_its_keys_waits_for_nothing() -> None:
    """What lies further ahead than the music needs, or was given before, begins no wait."""
    full = (1 << 119) - 1 << 200
    assert Allowance.of(0, 60_000, 0, 100_000).short_ms(LONG, range(51, 60), full) == 0
    assert Allowance.of(0, 60_000, 0, 200_000).short_ms(LONG, range(100, 110), full) == 0
    assert Wait(4_000, 9_000).after(0, 10_000) == (Wait(4_000), 0)


@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 20_000)), max_size=50))
def test_nobody_waits_longer_than_the_longest_wait_and_nothing_is_saved_up(steps: list[tuple[int, int]]) -> None:
    """Each wait ends in time, however short the allowance is; no wait opens more than was short when it ended."""
    wait, now_ms = Wait(), 1
    for short_ms, more_ms in steps:
        now_ms += more_ms
        after, left_ms = wait.after(short_ms, now_ms)
        assert 0 <= left_ms <= LONGEST_WAIT_MS
        assert after.waited_ms - wait.waited_ms in (0, short_ms)
        wait = after
