"""Admissibility of an action by a play's state and time, whatever the terms allow.

Host and security server call the same function. ``pywallet.policy.decide`` decides by the terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from pywallet.protocol.actions import ENDS, FREE, HOLDS, STARTS
from pywallet.rules.limits import SILENCE_MS, session_is_current

PlayState = Literal["none", "held", "playing", "paused", "ended"]

NOT_STARTED: Final = frozenset({"none", "held"})
"""States of a ticket without a play so far."""


@dataclass(frozen=True, slots=True)
class Play:
    """One ticket's play as the caller has it.

    Attributes:
        state: Before the action.
        session_from_s: Start of the session, Unix seconds.
        session_to_s: End of the session, Unix seconds, exclusive.
        ticket_to_s: End of the ticket, Unix seconds, exclusive.
    """

    state: PlayState
    session_from_s: int
    session_to_s: int
    ticket_to_s: int


def inadmissible(play: Play, action: str, time_ms: int) -> str | None:
    """Code of the refusal where an action cannot happen now, None where it can.

    Args:
        play: The ticket's play.
        action: Name of the action, as policies write it.
        time_ms: Time of the invocation, Unix milliseconds.

    Returns:
        ``ticket.used``, ``invocation.state``, ``session.expired``, ``ticket.expired`` or None.
    """
    if action in STARTS:
        if play.state not in NOT_STARTED:
            return "ticket.used"
    elif action == "hold":
        if play.state != "none":
            return "ticket.used" if play.state != "held" else "invocation.state"
    elif action == "release":
        if play.state != "held":
            return "invocation.state"
    elif play.state in ("none", "held", "ended"):
        return "invocation.state"
    if action in FREE:
        return None
    if not session_is_current(play.session_from_s, play.session_to_s, time_ms):
        return "session.expired"
    return "ticket.expired" if time_ms >= play.ticket_to_s * 1000 else None


def state_after(action: str, playing: bool) -> PlayState:
    """State of a ticket after an accepted action.

    Args:
        action: Name of the action.
        playing: True if the meter is playing after it.
    """
    if action == "stop":
        return "ended"
    if action in HOLDS:
        return "held" if action == "hold" else "none"
    return "playing" if playing else "paused"


def is_busy(action: str, silent_ms: int | None, limit_ms: int = SILENCE_MS) -> bool:
    """True if an action has to wait for another play, where the terms allow one play of a listener at a time.

    Any action with sound waits, not only a start: a play whose place was taken does not continue beside the other. A
    hold is silent.

    Args:
        action: Name of the action.
        silent_ms: Time since the listener's other play was reported, milliseconds; None: no other play is playing.
        limit_ms: Silence after which the other play no longer counts, milliseconds.
    """
    return action not in ENDS | HOLDS and silent_ms is not None and silent_ms < limit_ms
