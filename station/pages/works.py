"""The page that runs the site check on the station's own pages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from station.site_check.report import Line

KEPT_S: Final = 60.0
"""Seconds for which one result is served: the page is public, and each check sends requests to this station."""

WORDS: Final = {
    "page": "The page and a song in it",
    "policy": "The page lets the player in",
    "song": "The song's file",
    "cors": "The file may be read from this page",
    "record": "The station's record",
    "tickets": "The ticket desk",
    "proof": "The proof of the domain",
}


class CachedCheck:
    """The latest result of the site check, shared by all requests within ``KEPT_S``.

    Args:
        look: Runs the check.
        now: A monotonic clock, s.
    """

    def __init__(self, look: Callable[[], Awaitable[Sequence[Line]]], now: Callable[[], float]) -> None:
        self._look = look
        self._now = now
        self._lock = asyncio.Lock()
        self._taken: tuple[float, Sequence[Line]] | None = None

    async def lines(self) -> Sequence[Line]:
        """The lines of the check; runs it again when the result is old. Concurrent callers share one run."""
        async with self._lock:
            if self._taken is None or self._now() - self._taken[0] > KEPT_S:
                self._taken = (self._now(), await self._look())
            return self._taken[1]
