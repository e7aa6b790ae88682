"""Writer of transitions.json, the transition table and sessions by it: ``python -m tests.vectors.transitions``."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from pywallet.errors import SENTENCES
from pywallet.playback import PlaybackSession, step, transition_table
from pywallet.sps.segment_index import SegmentIndex

PATH = Path(__file__).with_name("transitions.json")
TIMELINE = SegmentIndex.of([96_000] * 10 + [48_000], 48_000)
EVENTS = ("play", "pause", "seek", "granted", "playing", "waiting", "ended", "stop", "retry", "problem")
EVENTS += ("continued", "held", "unheld")
CODES = sorted(SENTENCES)
MOST_EVENTS = 16
RECORDED = 24


def sequence(chance: Random) -> dict[str, Any]:
    """A random session: ``start``, ``duration_ms`` and ``events`` of [name, position or null, code or null]."""
    events: list[list[Any]] = []
    for _ in range(chance.randint(1, MOST_EVENTS)):
        name = chance.choice(EVENTS)
        # The bounds of the recording, and a little past its end.
        position = chance.choice([None, 0, TIMELINE.duration_ms, chance.randrange(TIMELINE.duration_ms + 2_000)])
        events.append(
            [name, None if name == "problem" else position, chance.choice(CODES) if name == "problem" else None]
        )
    start = {"begins": chance.choice(["play", "preview", "live_join"]), "from_ms": chance.choice([0, 5_000])}
    return {"start": start, "duration_ms": TIMELINE.duration_ms, "events": events}


def results(session: dict[str, Any]) -> list[list[Any]]:
    """The machine's answers.

    Returns:
        For each event [state, granted, pending pause, play after seek, held, position, code, commands].
    """
    start = session["start"]
    loading = PlaybackSession(position_ms=start["from_ms"], **start)
    machine, _ = step(loading, "loaded", timeline=TIMELINE)
    answers: list[list[Any]] = []
    for name, position, code in session["events"]:
        machine, commands = step(machine, name, position, code)
        answers.append(
            [
                machine.state.value,
                machine.granted,
                machine.pending_pause,
                machine.play_after_seek,
                machine.held,
                machine.position_ms,
                machine.code,
                [[command.kind, command.action, command.position_ms] for command in commands],
            ]
        )
    return answers


def vectors() -> str:
    """The file as it should be."""
    chance = Random(0)
    sessions = [sequence(chance) for _ in range(RECORDED)]
    recorded = [{**session, "results": results(session)} for session in sessions]
    return json.dumps({"table": transition_table(), "sessions": recorded}, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    PATH.write_text(vectors())
