"""Waiting for a condition, with the one deadline that ends what hangs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

TIMEOUT_S: Final = 300.0
"""Seconds after which something that was to happen is taken for not happening.

So long that a busy machine decides nothing.
"""

POLL_S: Final = 0.05

T = TypeVar("T")


def wait_until(holds: Callable[[], T], what: str, timeout_s: float = TIMEOUT_S) -> T:
    """Poll until a condition holds.

    Args:
        holds: The condition; called every ``POLL_S`` seconds.
        what: The condition in words, for the error.
        timeout_s: Seconds until the wait ends in an error.

    Returns:
        The first true value of ``holds``.

    Raises:
        TimeoutError: It did not hold in time.
    """
    deadline = time.monotonic() + timeout_s
    while not (value := holds()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(POLL_S)
    return value
