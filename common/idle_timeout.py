"""Idle timeout: a wait that ends after a time without progress, whatever its total duration."""

from __future__ import annotations

import time


def now_s() -> float:
    """Monotonic time, seconds."""
    return time.monotonic()


class IdleTimer:
    """Expires after a time without a change of the observed state."""

    def __init__(self, limit_s: float) -> None:
        """Start the timer.

        Args:
            limit_s: Time without a change after which the timer expires, seconds.
        """
        self._limit_s = limit_s
        self._state: object = None
        self._since_s = now_s()

    def observe(self, state: object) -> None:
        """Report the present state; a change restarts the timer."""
        if state != self._state:
            self._state, self._since_s = state, now_s()

    @property
    def expired(self) -> bool:
        """True if the state has not changed for that time."""
        return now_s() - self._since_s >= self._limit_s
