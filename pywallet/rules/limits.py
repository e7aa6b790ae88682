"""Time limits that more than one component decides by."""

from __future__ import annotations

from typing import Final

SILENCE_MS: Final = 20_000
"""Time without an invocation after which a play no longer occupies its listener, milliseconds."""

MAX_GAP_MS: Final = 15_000
"""Most heard time that one invocation adds, milliseconds; a player reports every ten seconds."""

METER_SLACK_MS: Final = 500
"""Heard time that may exceed the advance of the reported positions since the last jump, milliseconds."""

HOLD_MS: Final = 4_000
"""Sound that a hold gives keys for, milliseconds."""

HOLD_DAY_MS: Final = 86_400_000
"""Time over which the holds of a content that no play followed are counted, milliseconds."""

CLOCK_AHEAD_MS: Final = 60_000
"""Most that an invocation's time may lie ahead of the server's clock, milliseconds.

Host and server each follow the blocks that they have seen, so one of two correct clocks may run ahead. A time ahead
counts as the server's own time, so it gains nothing.
"""

CLOCK_SLACK_MS: Final = 5_000
"""Difference between two correct clocks that neither withholds a key nor disputes an interval, milliseconds."""

SESSION_SKEW_S: Final = 30
"""Most that ``notBefore`` of a session may lie in the future, seconds."""

ONLINE_LATE_MS: Final = 120_000
"""Age from which an invocation gets no keys, milliseconds. A correct host repeats its request after an outage."""

REQUEST_AGE_S: Final = 120
"""Most that the time of a signed request or greeting may differ from the receiver's clock, seconds."""

HANDOVER_AGE_S: Final = 30
"""Most that the time of a handover request may differ from the asked server's clock, seconds."""

LISTENER_LEAD_MS: Final = 30_000
"""Vouchered time of one listener that may exceed the elapsed time, milliseconds: clocks differ, songs overlap."""


def is_silent(reported_ms: int, now_ms: int) -> bool:
    """True if a play that was last reported at ``reported_ms`` no longer occupies its listener at ``now_ms``."""
    return now_ms - reported_ms >= SILENCE_MS


def session_is_current(not_before_s: int, not_after_s: int, time_ms: int) -> bool:
    """True if a session is valid at a time.

    Args:
        not_before_s: Start of the session, Unix seconds; it may lie ``SESSION_SKEW_S`` ahead.
        not_after_s: End of the session, Unix seconds, exclusive.
        time_ms: Time of the invocation or request, Unix milliseconds.
    """
    return (not_before_s - SESSION_SKEW_S) * 1000 <= time_ms < not_after_s * 1000


def request_is_fresh(time_ms: int, now_ms: int) -> bool:
    """True if the signed time of a request is close enough to the receiver's clock; both Unix milliseconds."""
    return abs(now_ms - time_ms) <= REQUEST_AGE_S * 1000
