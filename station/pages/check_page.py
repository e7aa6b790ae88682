"""Site check of the station's own pages, cached for the page ``/works``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from station.site_check.report import CheckResult

KEPT_S: Final = 60.0
"""Validity of a result, s: the page is public, and each check sends requests to this station."""

CHECK_TITLES: Final = {
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
        run: Runs the check.
        now: A monotonic clock, s.
    """

    def __init__(self, run: Callable[[], Awaitable[Sequence[CheckResult]]], now: Callable[[], float]) -> None:
        self._run = run
        self._now = now
        self._lock = asyncio.Lock()
        self._latest: tuple[float, Sequence[CheckResult]] | None = None

    async def lines(self) -> Sequence[CheckResult]:
        """The lines of the check; runs it again when the result is old. Concurrent callers share one run."""
        async with self._lock:
            if self._latest is None or self._now() - self._latest[0] > KEPT_S:
                self._latest = (self._now(), await self._run())
            return self._latest[1]
