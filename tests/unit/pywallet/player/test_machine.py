"""The playback session as a state machine."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import SENTENCES
from pywallet.player import Player, State, Timeline, step

LINE = Timeline.of([96_000] * 10 + [48_000], 48_000)


def ready() -> Player:
    return step(Player(), "loaded", timeline=LINE)[0]


def playing(at: int = 0) -> Player:
    p, _ = step(ready(), "play", at)
    p, _ = step(p, "granted")
    return step(p, "playing", at)[0]


def test_play_asks_before_it_sounds() -> None:
    """Play commands one invocation; sound comes only after the grant."""
    p, commands = step(ready(), "play")
    assert p.state is State.STARTING
    assert [(c.kind, c.action, c.segment) for c in commands] == [("invoke", "play", 0)]
    p, commands = step(p, "granted")
    assert [(c.kind, c.action) for c in commands] == [("sound", "on")]
    assert step(p, "playing", 5)[0].state is State.PLAYING


def test_seek_names_its_segment_and_goes_on_playing() -> None:
    """A seek is one invocation with the target's segment, and playing resumes after it."""
    p, commands = step(playing(), "seek", 7_500)
    assert [(c.kind, c.action, c.position_ms, c.segment) for c in commands] == [("invoke", "seek", 7_500, 3)]
    p, _ = step(p, "granted")
    assert step(p, "playing", 7_500)[0].state is State.PLAYING


def test_seek_while_paused_stays_paused() -> None:
    """Seeking a paused session doesn't start it."""
    p, _ = step(playing(), "pause", 1_000)
    p, _ = step(p, "seek", 4_000)
    p, commands = step(p, "granted")
    assert commands[0].action == "hold"
    assert step(p, "playing", 4_000)[0].state is State.PAUSED


def test_a_refused_seek_leaves_the_music_on() -> None:
    """No seeks left: the song goes on, and the reason is reported."""
    p, _ = step(playing(), "seek", 4_000)
    p, commands = step(p, "problem", code="policy.count.exhausted")
    assert p.state is State.PLAYING
    assert [(c.kind, c.action) for c in commands] == [("report", "policy.count.exhausted")]


def test_a_play_that_was_cut_off_goes_on_with_a_resume() -> None:
    """After a crash the song stands at its place; pressing play resumes the play that was counted, and counts none."""
    p, commands = step(ready(), "continued", 7_500)
    assert (p.state, p.position_ms, p.granted, commands) == (State.PAUSED, 7_500, True, ())
    _, commands = step(p, "play", 7_500)
    assert [(c.kind, c.action, c.position_ms) for c in commands] == [("invoke", "resume", 7_500)]
    assert step(playing(), "continued", 7_500) == (playing(), ())


def test_revocation_silences() -> None:
    """A revoked content goes silent and stays refused until the fan tries again."""
    p, commands = step(playing(), "problem", code="content.revoked")
    assert p.state is State.REFUSED
    assert ("sound", "off") in [(c.kind, c.action) for c in commands]
    assert step(p, "play") == (p, ())
    assert step(p, "retry")[0].state is State.READY


def test_a_broken_part_is_a_failure() -> None:
    """A lost host is a failure, not a refusal."""
    assert step(playing(), "problem", code="host.gone")[0].state is State.FAILED


def test_end_then_play_starts_over() -> None:
    """After the end, play is a new play from the beginning."""
    p, commands = step(playing(), "ended")
    assert [(c.kind, c.action) for c in commands] == [("invoke", "stop")]
    assert step(p, "play")[1][0].position_ms == 0


@given(st.integers(-10, 10**6))
def test_segment_at_is_inside_and_right(position: int) -> None:
    """Every position has one segment, and inside the recording it contains the position."""
    index = LINE.segment_at(position)
    assert 0 <= index < LINE.count
    if 0 <= position < LINE.duration_ms:
        assert LINE.start_ms(index) <= position < LINE.start_ms(index + 1)


EVENTS = ["play", "seek", "pause", "granted", "playing", "waiting", "ended", "stop", "problem", "retry", "continued", "nonsense"]


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 30_000), st.sampled_from([*sorted(SENTENCES), "made.up"]))))
def test_counted_actions_come_from_the_fan_only(events: list[tuple[str, int, str]]) -> None:
    """Only a play event commands a play, only a seek event a seek, at most one each; nothing sounds ungranted."""
    p = ready()
    for name, position, code in events:
        p, commands = step(p, name, position, code)
        counted = [c.action for c in commands if c.kind == "invoke" and c.action in ("play", "seek")]
        assert counted in ([], [name])
        if p.state in (State.PLAYING, State.PAUSED, State.WAITING, State.SEEKING):
            assert p.granted
        if p.state in (State.REFUSED, State.FAILED):
            assert not p.granted
