"""What the machine foresees is what it does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pywallet.playback import (
    WISHES,
    Player,
    State,
    Timeline,
    foresee,
    step,
)

LINE = Timeline.of([96_000] * 10 + [48_000], 48_000)
EVENTS = st.sampled_from(
    ["play", "pause", "seek", "granted", "playing", "waiting", "ended", "stop", "retry", "problem", "continued"]
)


@given(
    st.lists(st.tuples(EVENTS, st.integers(0, 21_000)), max_size=12), st.sampled_from(WISHES), st.integers(0, 20_999)
)
def test_every_wish_does_what_was_foreseen(events: list[tuple[str, int]], wish: str, position: int) -> None:
    """After any history, the action, the state and the sound of a wish are those that were told before."""
    player, _ = step(Player(), "loaded", timeline=LINE)
    for event, at in events:
        player, _ = step(player, event, at, code="policy.count.exhausted")
    told = foresee(player, wish)
    after, commands = step(player, wish, position)
    invoked = [command for command in commands if command.kind == "invoke"]
    assert after.state is told.state
    assert [command.action for command in invoked] == ([told.invoke] if told.invoke else [])
    if invoked and told.sound:
        assert invoked[0].position_ms == (0 if told.from_start else position)
        _, sounds = step(after, "granted")
        assert [command.action for command in sounds] == [told.sound]


def test_a_new_play_starts_sound_and_an_ended_song_starts_over() -> None:
    """The two cases the shell meets most."""
    ready, _ = step(Player(), "loaded", timeline=LINE)
    told = foresee(ready, "play")
    assert (told.state, told.invoke, told.sound, told.from_start) == (State.STARTING, "play", "on", False)
    player = ready
    for event in ("play", "granted", "playing", "ended"):
        player, _ = step(player, event, 20_000)
    assert foresee(player, "play").from_start
    assert foresee(Player(), "play").invoke is None
