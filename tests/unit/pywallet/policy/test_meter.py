"""Heard time from invocations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pywallet.policy import MAX_GAP_MS, Meter


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
    """Renewals whose position doesn't advance are not listening."""
    assert run(("play", 0, 0), ("renew", 0, 5_000), ("renew", 0, 10_000)).heard_ms == 1_000


def test_a_long_silence_is_capped() -> None:
    """A gap longer than the cap counts as the cap."""
    assert run(("play", 0, 0), ("renew", 600_000, 600_000)).heard_ms == MAX_GAP_MS


events = st.lists(
    st.tuples(st.sampled_from(["play", "pause", "resume", "seek", "renew", "stop"]), st.integers(0, 10**6), st.integers(0, 10**6)),
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
