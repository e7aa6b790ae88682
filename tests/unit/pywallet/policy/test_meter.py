"""Heard time from invocations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pywallet.policy import FASTEST, Meter
from pywallet.rules.limits import MAX_GAP_MS


def run(*events: tuple[str, int, int]) -> Meter:
    meter = Meter()
    for event in events:
        meter = meter.advance(*event)
    return meter


def test_a_play_to_its_end() -> None:
    """Heard time would differ from the time between play and stop."""
    meter = run(("play", 0, 1_000), ("renew", 5_000, 6_000), ("renew", 10_000, 11_000), ("stop", 12_000, 13_000))
    assert meter.heard_ms == 12_000
    assert meter.intervals(5) == 2
    assert not meter.playing


def test_pause_is_not_heard() -> None:
    """A pause would be paid for."""
    meter = run(("play", 0, 0), ("pause", 3_000, 3_000), ("resume", 3_000, 90_000), ("stop", 5_000, 92_000))
    assert meter.heard_ms == 5_000


def test_standing_still_earns_the_slack_only() -> None:
    """Renewals without progress would be paid for."""
    assert run(("play", 0, 0), *(("renew", 0, time_ms) for time_ms in range(0, 60_001, 500))).heard_ms == 500


def test_a_position_that_moves_back_and_forth_counts_once() -> None:
    """The same stretch would be paid for twice without a jump."""
    zigzag = [("renew", 10_000 * (step % 2), 10_000 * step) for step in range(1, 60)]
    assert run(("play", 0, 0), *zigzag).heard_ms == 10_500


def test_a_play_ends_with_its_song() -> None:
    """More than the remainder of the song would be paid for."""
    for action in ("renew", "rate", "copy", "resume"):
        meter = Meter().advance("play", 30_000, 0, end_ms=120_000)
        for step in range(1, 200):
            meter = meter.advance(action, 30_000 + step * 10_000, step * 10_000, end_ms=120_000)
        assert (meter.heard_ms, meter.position_ms) == (90_000, 120_000)


def test_a_jump_begins_a_new_stretch() -> None:
    """A stretch heard again after a seek would not count, or a seek beyond the end would."""
    meter = Meter().advance("play", 0, 0, end_ms=20_000).advance("renew", 10_000, 10_000, end_ms=20_000)
    meter = meter.advance("seek", 0, 12_000, end_ms=20_000).advance("renew", 10_000, 22_000, end_ms=20_000)
    assert meter.heard_ms == 22_000
    beyond = meter.advance("seek", 90_000, 22_000, end_ms=20_000).advance("renew", 99_000, 31_000, end_ms=20_000)
    assert (beyond.heard_ms, beyond.position_ms) == (22_000, 20_000)


def test_a_long_gap_is_capped() -> None:
    """A gap would be paid for beyond the cap."""
    assert run(("play", 0, 0), ("renew", 600_000, 600_000)).heard_ms == MAX_GAP_MS


events = st.lists(
    st.tuples(
        st.sampled_from(["play", "pause", "resume", "seek", "renew", "stop"]),
        st.integers(0, 10**6),
        st.integers(0, 10**6),
    ),
    max_size=30,
)


@given(events)
def test_heard_never_exceeds_elapsed(listed: list[tuple[str, int, int]]) -> None:
    """An order of events would give more heard time than the clock."""
    meter, heard, start = Meter(), 0, None
    for event in listed:
        meter = meter.advance(*event)
        assert meter.heard_ms >= heard
        heard = meter.heard_ms
        start = event[2] if start is None else start
        assert heard <= max(0, meter.time_ms - start)


def at_rate(rate: float, seconds: int, *, fastest: int = FASTEST, every_ms: int = 4_500) -> Meter:
    """A play at one rate, with renewals at the positions of that rate."""
    meter = Meter().advance("play", 0, 0, fastest).advance("rate", 0, 0, fastest)
    for now in range(every_ms, seconds * 1000, every_ms):
        meter = meter.advance("renew", round(now * rate), now, fastest)
    return meter.advance("stop", round(seconds * 1000 * rate), seconds * 1000, fastest)


def test_heard_time_follows_the_playback_rate() -> None:
    """A minute at half or double rate would count as a minute."""
    assert [at_rate(rate, 60).heard_ms for rate in (0.5, 1, 1.25, 2)] == [30_000, 60_000, 75_000, 120_000]


def test_a_rate_of_ten_counts_as_two() -> None:
    """A rate above the highest would count."""
    assert at_rate(10, 60).heard_ms == 120_000
    assert at_rate(10, 60, fastest=1).heard_ms == 60_000


@given(events)
def test_no_order_of_events_outruns_the_fastest_rate(listed: list[tuple[str, int, int]]) -> None:
    """An order of events would exceed the highest rate."""
    meter, heard, start = Meter(), 0, None
    for event in listed:
        meter = meter.advance(*event, FASTEST)
        assert meter.heard_ms >= heard
        heard = meter.heard_ms
        start = event[2] if start is None else start
        assert heard <= FASTEST * max(0, meter.time_ms - start)
