"""Idle timeout: a wait that ends after a time without progress, whatever its total duration."""

from __future__ import annotations

import time


def now_s() -> float:
    """Monotonic time, seconds."""
    return time.monotonic()


class Patience:
    """Expires after a time without a change of the observed state."""

    def __init__(self, silence_s: float) -> None:
        """Start the wait.

        Args:
            silence_s: Seconds without anything new after which waiting ends.
        """
        self._silence_s = silence_s
        self._state: object = None
        self._since_s = now_s()

    def saw(self, state: object) -> None:
        """Report the present state; a change restarts the wait."""
        if state != self._state:
            self._state, self._since_s = state, now_s()

    @property
    def over(self) -> bool:
        """Whether the state has not changed for too long."""
        return now_s() - self._since_s >= self._silence_s
