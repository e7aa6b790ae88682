"""The playback session as a state machine."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import SENTENCES
from pywallet.playback import (
    PlaybackSession,
    State,
    step,
)
from pywallet.sps.segment_index import SegmentIndex

LINE = SegmentIndex.of([96_000] * 10 + [48_000], 48_000)


def ready() -> PlaybackSession:
    """A loaded session."""
    return step(PlaybackSession(), "loaded", timeline=LINE)[0]


def playing(at: int = 0) -> PlaybackSession:
    """A session that plays."""
    p, _ = step(ready(), "play", at)
    p, _ = step(p, "granted")
    return step(p, "playing", at)[0]


def test_sound_starts_after_the_grant() -> None:
    """A play would sound before its invocation is granted."""
    p, commands = step(ready(), "play")
    assert p.state is State.STARTING
    assert [(c.kind, c.action, c.segment) for c in commands] == [("invoke", "play", 0)]
    p, commands = step(p, "granted")
    assert [(c.kind, c.action) for c in commands] == [("sound", "on")]
    assert step(p, "playing", 5)[0].state is State.PLAYING


def test_a_seek_invokes_its_segment_and_continues() -> None:
    """A seek would have another segment, or stop the play."""
    p, commands = step(playing(), "seek", 7_500)
    assert [(c.kind, c.action, c.position_ms, c.segment) for c in commands] == [("invoke", "seek", 7_500, 3)]
    p, _ = step(p, "granted")
    assert step(p, "playing", 7_500)[0].state is State.PLAYING


def test_seek_while_paused_stays_paused() -> None:
    """A seek would start a paused session."""
    p, _ = step(playing(), "pause", 1_000)
    p, _ = step(p, "seek", 4_000)
    p, commands = step(p, "granted")
    assert commands[0].action == "hold"
    assert step(p, "playing", 4_000)[0].state is State.PAUSED


def test_a_refused_seek_continues_the_play() -> None:
    """A refused seek would stop the play, or not be reported."""
    p, _ = step(playing(), "seek", 4_000)
    p, commands = step(p, "problem", code="policy.count.exhausted")
    assert p.state is State.PLAYING
    assert [(c.kind, c.action) for c in commands] == [("report", "policy.count.exhausted")]


def test_an_interrupted_play_continues_with_a_resume() -> None:
    """A play that was counted before a crash would be counted again."""
    p, commands = step(ready(), "continued", 7_500)
    assert (p.state, p.position_ms, p.granted, commands) == (State.PAUSED, 7_500, True, ())
    _, commands = step(p, "play", 7_500)
    assert [(c.kind, c.action, c.position_ms) for c in commands] == [("invoke", "resume", 7_500)]
    assert step(playing(), "continued", 7_500) == (playing(), ())


def test_a_revocation_stops_the_sound() -> None:
    """A revoked content would keep sounding."""
    p, commands = step(playing(), "problem", code="content.revoked")
    assert p.state is State.REFUSED
    assert ("sound", "off") in [(c.kind, c.action) for c in commands]
    assert step(p, "play") == (p, ())
    assert step(p, "retry")[0].state is State.READY


def test_a_lost_host_is_a_failure() -> None:
    """A lost host would be shown as a refusal."""
    assert step(playing(), "problem", code="host.gone")[0].state is State.FAILED


def test_end_then_play_starts_over() -> None:
    """A play after the end would not be a new one from the beginning."""
    p, commands = step(playing(), "ended")
    assert [(c.kind, c.action) for c in commands] == [("invoke", "stop")]
    assert step(p, "play")[1][0].position_ms == 0


@given(st.integers(-10, 10**6))
def test_segment_at_contains_the_position(position: int) -> None:
    """A position would be mapped to another segment."""
    index = LINE.segment_at(position)
    assert 0 <= index < LINE.count
    if 0 <= position < LINE.duration_ms:
        assert LINE.start_ms(index) <= position < LINE.start_ms(index + 1)


EVENTS = [
    "play",
    "seek",
    "pause",
    "granted",
    "playing",
    "waiting",
    "ended",
    "stop",
    "problem",
    "retry",
    "continued",
    "nonsense",
]


def test_a_play_during_a_seek_while_paused_follows_it() -> None:
    """The play would be lost, or not cancelled by a pause or an end."""
    p, _ = step(playing(), "pause", 1_000)
    p, _ = step(p, "seek", 4_000)
    p, commands = step(p, "play")
    assert (p.state, p.play_after_seek, commands) == (State.SEEKING, True, ())
    p, _ = step(p, "granted")
    after, commands = step(p, "playing", 4_000)
    assert (after.state, after.play_after_seek) == (State.STARTING, False)
    assert [(c.kind, c.action, c.position_ms, c.segment) for c in commands] == [
        ("invoke", "resume", 4_000, LINE.segment_at(4_000))
    ]
    p, commands = step(p, "pause")
    assert (p.state, p.play_after_seek, commands) == (State.SEEKING, False, ())
    assert step(p, "playing", 4_000) == (replace(p, state=State.PAUSED), ())


def test_a_pause_and_a_seek_before_the_grant_follow_it() -> None:
    """The host would get them before the play."""
    starting, _ = step(ready(), "play")
    pending_pause, commands = step(starting, "pause")
    assert (pending_pause.pending_pause, commands) == (True, ())
    p, commands = step(pending_pause, "granted")
    assert (p.state, p.pending_pause) == (State.PAUSED, False)
    assert [(c.kind, c.action) for c in commands] == [("sound", "off"), ("invoke", "pause")]
    assert step(step(pending_pause, "play")[0], "granted")[1][0].action == "on"
    both, _ = step(pending_pause, "seek", 7_500)
    p, commands = step(both, "granted")
    assert (p.state, p.resume_to) == (State.SEEKING, State.PAUSED)
    assert [(c.kind, c.action, c.position_ms) for c in commands][1:] == [
        ("invoke", "pause", 0),
        ("invoke", "seek", 7_500),
    ]
    seeking, commands = step(step(starting, "seek", 7_500)[0], "granted")
    assert (seeking.state, seeking.resume_to) == (State.SEEKING, State.PLAYING)
    assert [(c.kind, c.action, c.position_ms) for c in commands] == [("invoke", "seek", 7_500)]


def test_a_seek_directly_after_the_grant() -> None:
    """The sound would begin at the former position."""
    p, _ = step(step(ready(), "play")[0], "granted")
    p, commands = step(p, "seek", 7_500)
    assert (p.state, p.resume_to) == (State.SEEKING, State.PLAYING)
    assert [(c.kind, c.action) for c in commands] == [("invoke", "seek")]


@given(
    st.lists(
        st.tuples(st.sampled_from(EVENTS), st.integers(0, 30_000), st.sampled_from([*sorted(SENTENCES), "made.up"]))
    )
)
def test_only_play_and_seek_events_invoke_counted_actions(events: list[tuple[str, int, str]]) -> None:
    """The player itself would use up plays or seeks."""
    p = ready()
    seeks = 0
    for name, position, code in events:
        p, commands = step(p, name, position, code)
        seeks += name == "seek"
        counted = [c.action for c in commands if c.kind == "invoke" and c.action in ("play", "seek")]
        assert counted in ([], [name]) or (name, counted) == ("granted", ["seek"])
        seeks -= counted.count("seek")
        assert seeks >= 0
        if p.state in (State.PLAYING, State.PAUSED, State.WAITING, State.SEEKING):
            assert p.granted
        if p.state in (State.REFUSED, State.FAILED):
            assert not p.granted
        # What is kept belongs to its state.
        assert not (p.pending_pause or p.pending_seek_ms is not None) or (p.state is State.STARTING and not p.granted)
        assert not p.play_after_seek or (p.state is State.SEEKING and p.resume_to is State.PAUSED)


REQUESTS = st.sampled_from(["play", "pause"])


@given(
    st.lists(
        st.one_of(st.tuples(st.just("seek"), st.integers(0, 20_000)), st.tuples(REQUESTS, st.just(0))), max_size=8
    ),
    st.data(),
)
def test_the_last_request_determines_the_final_state(requests: list[tuple[str, int]], data: st.DataObject) -> None:
    """A late response would override a later play, pause or seek."""
    p = ready()
    for name, position in requests:
        p, _ = step(p, name, position if name == "seek" else p.position_ms)
        for event in data.draw(st.lists(st.sampled_from(["granted", "playing"]), max_size=3)):
            p, _ = step(p, event, p.position_ms)
    for _ in range(3):
        for event in ("granted", "playing"):
            p, _ = step(p, event, p.position_ms)
    asked = [name for name, _ in requests if name != "seek"]
    if "play" in asked:
        assert p.state is (State.PLAYING if asked[-1] == "play" else State.PAUSED)
        last = [position for name, position in requests if name == "seek"]
        assert not last or p.position_ms == last[-1]
