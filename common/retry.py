"""Pauses between attempts: exponential back-off with optional full jitter."""

from __future__ import annotations

import random


class Backoff:
    """Pauses that double from ``first_s`` to ``longest_s`` until ``reset``.

    With ``jitter`` each pause is drawn between ``first_s`` and the doubled bound, so that clients do not
    reconnect at the same time after an outage ("full jitter", M. Brooker, "Exponential Backoff And Jitter", AWS, 2015).
    """

    def __init__(self, first_s: float, longest_s: float, *, jitter: bool = False) -> None:
        """Begin with the first pause.

        Args:
            first_s: The first pause, seconds.
            longest_s: No pause is longer, seconds.
            jitter: Draw each pause at random.
        """
        self._first_s, self._longest_s, self._jitter = first_s, longest_s, jitter
        self._bound_s = 0.0

    def reset(self) -> None:
        """Begin again with the first pause: an attempt has succeeded."""
        self._bound_s = 0.0

    def next_s(self, longest_s: float | None = None) -> float:
        """The pause before the next attempt, seconds.

        Args:
            longest_s: A shorter limit than the usual one for this pause and, until ``reset``, those after it.
        """
        longest = self._longest_s if longest_s is None else min(self._longest_s, longest_s)
        self._bound_s = min(longest, self._bound_s * 2 or self._first_s)
        return random.uniform(self._first_s, self._bound_s) if self._jitter else self._bound_s  # noqa: S311
