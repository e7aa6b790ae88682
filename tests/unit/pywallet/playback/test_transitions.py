"""The transition table against the state machine."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import SENTENCES
from pywallet.playback import BEGINS, PlaybackSession, State, step, transition_table
from pywallet.sps.segment_index import SegmentIndex
from tests.unit.pywallet.playback.interpreter import Interpreter, Result

LINE = SegmentIndex.of([96_000] * 10 + [48_000], 48_000)
NAMES = ["play", "pause", "seek", "granted", "playing", "waiting", "ended", "stop", "retry", "problem", "continued"]
NAMES += ["held", "unheld"]
EVENTS = st.tuples(
    st.sampled_from([*NAMES, "nonsense"]), st.none() | st.integers(0, 21_000), st.sampled_from(sorted(SENTENCES))
)
MOST_BYTES = 16_000


def machine(begins: str, from_ms: int) -> PlaybackSession:
    """A loaded session of the machine."""
    loading = PlaybackSession(begins=begins, from_ms=from_ms, position_ms=from_ms)
    return step(loading, "loaded", timeline=LINE)[0]


def result(session: PlaybackSession, commands: list[list[object]]) -> Result:
    """The machine's result in the interpreter's form."""
    return {
        "state": session.state.value,
        "granted": session.granted,
        "pending_pause": session.pending_pause,
        "play_after_seek": session.play_after_seek,
        "held": session.held,
        "position_ms": session.position_ms,
        "code": session.code,
        "commands": commands,
    }


@given(st.lists(EVENTS, max_size=14), st.sampled_from([0, 5_000]), st.sampled_from(["play", "preview", "live_join"]))
def test_the_table_and_the_machine_agree(events: list[tuple[str, int | None, str]], from_ms: int, begins: str) -> None:
    """An interpreter of the table would differ from the machine."""
    session, table = machine(begins, from_ms), Interpreter(begins, from_ms, LINE.duration_ms)
    for name, position, code in events:
        session, commands = step(session, name, position, code)
        written = [[c.kind, c.action, c.position_ms] for c in commands]
        assert table.step(name, position, code) == result(session, written)


@given(st.lists(EVENTS, max_size=12), st.sampled_from(["play", "pause", "seek"]), st.integers(0, 20_999))
def test_a_state_has_the_action_and_sound_of_a_request(
    events: list[tuple[str, int | None, str]], request: str, position: int
) -> None:
    """The player could not prepare the effect of a request."""
    session, table = machine("play", 0), Interpreter("play", 0, LINE.duration_ms)
    for name, at, code in events:
        session, _ = step(session, name, at, code)
        table.step(name, at, code)
    row = table.node["on"].get(request, {"commands": []})
    expected = ["play" if action == BEGINS else action for kind, action, _ in row["commands"] if kind == "invoke"]
    after, commands = step(session, request, position)
    invoked = [command for command in commands if command.kind == "invoke"]
    assert [command.action for command in invoked] == expected
    if invoked and after.state in (State.STARTING, State.SEEKING):
        assert invoked[0].position_ms == (0 if session.state is State.ENDED else position)
        table.step(request, position)
        sounds = [action for kind, action, _ in table.node["on"]["granted"]["commands"] if kind == "sound"]
        assert [c.action for c in step(after, "granted")[1] if c.kind == "sound"] == sounds


def test_a_new_play_starts_sound_and_an_ended_song_starts_over() -> None:
    """The two most frequent transitions would be wrong."""
    table = Interpreter("play", 0, LINE.duration_ms)
    assert table.step("play", 7)["commands"] == [["invoke", "play", 7]]
    assert table.step("granted")["commands"] == [["sound", "on", 7]]
    for event in ("playing", "ended"):
        table.step(event, 20_000)
    assert table.step("play", 20_000)["commands"] == [["invoke", "play", 0]]


def test_the_table_is_small_and_closed() -> None:
    """The table would have a missing state, or be too large for every song."""
    table = transition_table()
    assert len(json.dumps(table, separators=(",", ":"))) < MOST_BYTES
    assert table["states"][table["start"]]["state"] == "ready"
    for node in table["states"]:
        for row in node["on"].values():
            assert row["to"] in range(len(table["states"]))
    assert {node["state"] for node in table["states"]} == {state.value for state in State} - {"loading"}
