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


def test_plays_through() -> None:
    """Time between play, renewals and stop adds up to what was heard."""
    meter = run(("play", 0, 1_000), ("renew", 5_000, 6_000), ("renew", 10_000, 11_000), ("stop", 12_000, 13_000))
    assert meter.heard_ms == 12_000
    assert meter.intervals(5) == 2
    assert not meter.playing


def test_pause_is_not_heard() -> None:
    """Between pause and resume nothing is counted."""
    meter = run(("play", 0, 0), ("pause", 3_000, 3_000), ("resume", 3_000, 90_000), ("stop", 5_000, 92_000))
    assert meter.heard_ms == 5_000


def test_standing_still_earns_the_slack_only() -> None:
    """Renewals whose position doesn't advance are not listening, however many there are."""
    assert run(("play", 0, 0), *(("renew", 0, time_ms) for time_ms in range(0, 60_001, 500))).heard_ms == 500


def test_a_position_that_goes_back_and_forth_earns_its_way_once() -> None:
    """Without a jump the same stretch counts once: a renewal at 0 after one at 10 s takes nothing back."""
    zigzag = [("renew", 10_000 * (step % 2), 10_000 * step) for step in range(1, 60)]
    assert run(("play", 0, 0), *zigzag).heard_ms == 10_500


def test_a_play_ends_with_its_song() -> None:
    """Whatever is signed without a jump, a song of two minutes that began at 30 s is heard for 90 s."""
    for action in ("renew", "rate", "copy", "resume"):
        meter = Meter().advance("play", 30_000, 0, end_ms=120_000)
        for step in range(1, 200):
            meter = meter.advance(action, 30_000 + step * 10_000, step * 10_000, end_ms=120_000)
        assert (meter.heard_ms, meter.position_ms) == (90_000, 120_000)


def test_a_jump_begins_a_stretch_anew() -> None:
    """After a seek back the same music is heard again; a seek beyond the end hears nothing."""
    meter = Meter().advance("play", 0, 0, end_ms=20_000).advance("renew", 10_000, 10_000, end_ms=20_000)
    meter = meter.advance("seek", 0, 12_000, end_ms=20_000).advance("renew", 10_000, 22_000, end_ms=20_000)
    assert meter.heard_ms == 22_000
    beyond = meter.advance("seek", 90_000, 22_000, end_ms=20_000).advance("renew", 99_000, 31_000, end_ms=20_000)
    assert (beyond.heard_ms, beyond.position_ms) == (22_000, 20_000)


def test_a_long_silence_is_capped() -> None:
    """A gap longer than the cap counts as the cap."""
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
    """Whatever order events come in, heard time never exceeds the clock's advance and never falls."""
    meter, heard, start = Meter(), 0, None
    for event in listed:
        meter = meter.advance(*event)
        assert meter.heard_ms >= heard
        heard = meter.heard_ms
        start = event[2] if start is None else start
        assert heard <= max(0, meter.time_ms - start)


def at_rate(rate: float, seconds: int, *, fastest: int = FASTEST, every_ms: int = 4_500) -> Meter:
    """A play at one rate with a renewal every so often, its positions as that rate brings them."""
    meter = Meter().advance("play", 0, 0, fastest).advance("rate", 0, 0, fastest)
    for now in range(every_ms, seconds * 1000, every_ms):
        meter = meter.advance("renew", round(now * rate), now, fastest)
    return meter.advance("stop", round(seconds * 1000 * rate), seconds * 1000, fastest)


def test_what_counts_at_another_rate_is_the_music_that_passed_by() -> None:
    """A minute of the clock is half a minute of music at 0.5, one at 1, two at 2: to the millisecond."""
    assert [at_rate(rate, 60).heard_ms for rate in (0.5, 1, 1.25, 2)] == [30_000, 60_000, 75_000, 120_000]


def test_a_rate_of_ten_counts_as_two() -> None:
    """Positions that run ten times as fast as the clock count as the fastest rate that terms may allow.

    Where they allow none, as one.
    """
    assert at_rate(10, 60).heard_ms == 120_000
    assert at_rate(10, 60, fastest=1).heard_ms == 60_000


@given(events)
def test_no_order_of_events_outruns_the_fastest_rate(listed: list[tuple[str, int, int]]) -> None:
    """Whatever is signed in whatever order, heard time stays within the clock's advance at the fastest rate, and never
    falls.
    """
    meter, heard, start = Meter(), 0, None
    for event in listed:
        meter = meter.advance(*event, FASTEST)
        assert meter.heard_ms >= heard
        heard = meter.heard_ms
        start = event[2] if start is None else start
        assert heard <= FASTEST * max(0, meter.time_ms - start)
