"""Pacing: the window of keys follows the clock, and only a counted jump moves it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from native_host.playback.pacing import Pacer
from pywallet.rules.key_window import BEHIND_MS, BUFFER_MS, Window
from pywallet.rules.limits import CLOCK_SLACK_MS

STEPS = st.lists(
    st.tuples(st.sampled_from(["renew", "pause", "resume"]), st.integers(0, 10_000)),
    max_size=40,
)


def test_heard_time_moves_the_window() -> None:
    """Ten heard seconds move the far end by ten seconds."""
    pacer = Pacer().after("play", 0, 1_000)

    assert pacer.window(0).end_ms == CLOCK_SLACK_MS + BUFFER_MS
    assert pacer.after("renew", 10_000, 11_000).window(10_000).end_ms == 10_000 + CLOCK_SLACK_MS + BUFFER_MS


def test_host_and_server_have_the_same_window() -> None:
    """Before and after a jump, so that the host requests no key that the server refuses."""
    pacer = Pacer().after("play", 0, 0).after("seek", 100_000, 1_000)
    theirs = Window.of(100_000, 107_000, BUFFER_MS)

    assert pacer.window(107_000) == theirs


def test_a_renewal_cannot_jump() -> None:
    """A renewal ahead of the clock is not plausible; a seek to the same position is."""
    pacer = Pacer().after("play", 0, 0)

    assert not pacer.plausible("renew", 60_000, 5_000)
    assert pacer.plausible("seek", 60_000, 5_000)
    assert pacer.plausible("renew", 5_000, 5_000)


def test_a_seek_moves_both_ends() -> None:
    """After a seek the window begins at its target."""
    pacer = Pacer().after("play", 0, 0).after("seek", 100_000, 1_000)

    assert pacer.window(100_000) == Window(100_000 - BEHIND_MS, 100_000 + CLOCK_SLACK_MS + BUFFER_MS)


@given(steps=STEPS)
def test_no_sequence_without_a_jump_outruns_the_clock(steps: list[tuple[str, int]]) -> None:
    """For any renewals, pauses and resumes the reach is at most elapsed time plus slack."""
    pacer, now = Pacer().after("play", 0, 0), 0
    for action, pause_ms in steps:
        now += pause_ms
        pacer = pacer.after(action, 0, now)
        assert pacer.reach_ms(now) <= now + CLOCK_SLACK_MS


def test_terms_with_a_rate_double_the_reach() -> None:
    """Also after a jump; a renewal at ten times the clock is not plausible."""
    pacer = Pacer(fastest=2).after("play", 0, 0)

    assert pacer.plausible("renew", 20_000, 10_000)
    assert not pacer.plausible("renew", 100_000, 10_000)
    assert not pacer.plausible("rate", 100_000, 10_000)
    assert pacer.after("seek", 50_000, 10_000).reach_ms(20_000) == 70_000 + CLOCK_SLACK_MS


@given(steps=STEPS)
def test_no_sequence_without_a_jump_outruns_twice_the_clock(steps: list[tuple[str, int]]) -> None:
    """For any renewals, pauses and resumes at double speed, the reach is at most twice elapsed time plus slack."""
    pacer, now = Pacer(fastest=2).after("play", 0, 0), 0
    for action, pause_ms in steps:
        now += pause_ms
        pacer = pacer.after(action, 0, now)
        assert pacer.reach_ms(now) <= 2 * now + CLOCK_SLACK_MS
