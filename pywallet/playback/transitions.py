"""Transition table of a playback session: the state machine of ``session`` as data, for an interpreter in JavaScript.

The table is made by stepping the machine through every reachable state, so the two cannot disagree. Positions are
symbolic: a row names where a position comes from. It fits every song; what differs is passed to the interpreter
(``begins``, ``from_ms``, ``duration_ms``).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, Final

from pywallet.playback.session import REFUSALS, Command, PlaybackSession, State, step
from pywallet.sps.segment_index import SegmentIndex

EVENTS: Final = (
    "play",
    "play.outside",
    "play.held",
    "seek",
    "pause",
    "granted",
    "playing",
    "waiting",
    "ended",
    "stop",
    "continued",
    "held",
    "unheld",
    "refused",
    "failed",
    "retry",
)
"""Events of the table. ``play.outside`` is a play at a position that may not sound, ``play.held`` one at the position
of a hold. ``refused`` and ``failed`` are problems, distinguished by the prefixes in ``refusals``."""

BEGINS: Final = "begins"
"""Action that stands for the one that starts a play: play, preview or live_join."""

# One sentinel for each source of a position.
_FROM_MS: Final = 1_000
_NOW_MS: Final = 20_000
_GIVEN_MS: Final = 30_000
_OUTSIDE_MS: Final = 500
_PENDING_MS: Final = 40_000
_END_MS: Final = 90_000
_SOURCES: Final = {
    0: "zero",
    _FROM_MS: "from",
    _NOW_MS: "now",
    _GIVEN_MS: "given",
    _OUTSIDE_MS: "given",
    _PENDING_MS: "pending",
    _END_MS: "end",
}
_TIMELINE: Final = SegmentIndex((0, _END_MS), 1000)


@cache
def transition_table() -> dict[str, Any]:
    """All states that a loaded session can reach, and the effect of each event there.

    Returns:
        ``refusals``: prefixes of the codes that are refusals. ``start``: index of the first state. ``states``: for each
        state ``state``, ``granted``, ``pending_pause``, ``play_after_seek``, ``held`` and ``on``, which maps each event
        with an effect to ``{to, position, pending_seek, commands}``. ``to`` is the index of the next state.
        ``position`` and ``pending_seek`` (null: none) are sources: zero, from (first position that may sound), now
        (position before the event), given (the event's position), pending (the pending seek before the event), end.
        ``commands`` are ``[kind, action, source of the position]``; action ``begins`` is the one that starts a play,
        and a report's action is the code of the problem.
    """
    first = _normalised(PlaybackSession(timeline=_TIMELINE, state=State.READY, begins=BEGINS, from_ms=_FROM_MS))
    indices = {first: 0}
    queue, states = [first], []
    for session in queue:
        on = {}
        for event in EVENTS:
            if event == "play.held" and not (session.held and session.state is State.READY):
                continue
            after, commands = _apply(session, event)
            if after == session and not commands:
                continue
            following = _normalised(after)
            if following not in indices:
                indices[following] = len(queue)
                queue.append(following)
            on[event] = {
                "to": indices[following],
                "position": _SOURCES[after.position_ms],
                "pending_seek": None if after.pending_seek_ms is None else _SOURCES[after.pending_seek_ms],
                "commands": [[c.kind, c.action, _SOURCES[c.position_ms]] for c in commands],
            }
        states.append(
            {
                "state": session.state.value,
                "granted": session.granted,
                "pending_pause": session.pending_pause,
                "play_after_seek": session.play_after_seek,
                "held": session.held,
                "on": on,
            }
        )
    return {"refusals": list(REFUSALS), "start": 0, "states": states}


def _normalised(session: PlaybackSession) -> PlaybackSession:
    """The session with sentinel positions: sessions that differ only in their positions are one state."""
    pending = None if session.pending_seek_ms is None else _PENDING_MS
    # Read only while a seek is under way.
    resume_to = session.resume_to if session.state is State.SEEKING else State.READY
    return replace(session, position_ms=_NOW_MS, pending_seek_ms=pending, resume_to=resume_to, code=None)


def _apply(session: PlaybackSession, event: str) -> tuple[PlaybackSession, tuple[Command, ...]]:
    if event in ("refused", "failed"):
        code = "policy.count.exhausted" if event == "refused" else "internal"
        after, commands = step(session, "problem", code=code)
        return replace(after, code=None), tuple(replace(c, action="") if c.kind == "report" else c for c in commands)
    if event == "play.outside":
        return step(session, "play", _OUTSIDE_MS)
    if event == "play.held":
        return step(session, "play", _NOW_MS)
    return step(session, event, _GIVEN_MS)
