"""Settings of CPython's cyclic garbage collector for a process with many connections."""

from __future__ import annotations

import gc
from typing import Final

YOUNGEST: Final = 10_000
"""Objects that are made and not freed until the youngest are examined; CPython's default is 700 or 2,000."""
MIDDLE: Final = 5
OLDEST: Final = 5
"""Collections of a generation until the next older one is examined with it."""


def spare_pauses() -> None:
    """Examine living objects rarely, and those that were loaded before this call never.

    Nearly all objects are freed by their reference count; the cycles are those of closed connections. With CPython's
    defaults a server with 2,000 connections examined all of its objects every five seconds, 0.3 s each time, in which
    no request was answered. Called once, after everything is imported.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNGEST, MIDDLE, OLDEST)
