"""Waiting that ends with silence: how long something takes in all says nothing of whether it goes on."""

from __future__ import annotations

import time


def now_s() -> float:
    """Seconds by a clock that nobody sets."""
    return time.monotonic()


class Patience:
    """Over when nothing new was seen for so long."""

    def __init__(self, silence_s: float) -> None:
        """Begin to wait.

        Args:
            silence_s: Seconds without anything new after which waiting ends.
        """
        self._silence_s = silence_s
        self._state: object = None
        self._since_s = now_s()

    def saw(self, state: object) -> None:
        """Note the present state; a state that differs from the last one restarts the wait."""
        if state != self._state:
            self._state, self._since_s = state, now_s()

    @property
    def over(self) -> bool:
        """True if nothing has changed for too long."""
        return now_s() - self._since_s >= self._silence_s
