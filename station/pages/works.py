"""Does it work on this site? The page that looks at the station's own pages as a listener's browser will."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from station.site_check.check import Line

KEPT_S: Final = 60.0
"""So long one look serves everybody: anyone may ask, and the station asks itself."""

WORDS: Final = {
    "page": "The page and a song in it",
    "policy": "The page lets the player in",
    "song": "The song's file",
    "cors": "The file may be read from this page",
    "record": "The station's record",
    "tickets": "The ticket desk",
    "proof": "The proof of the domain",
}


class Look:
    """The newest look, shared by all who ask within a minute."""

    def __init__(self, look: Callable[[], Awaitable[Sequence[Line]]], now: Callable[[], float]) -> None:
        self._look = look
        self._now = now
        self._lock = asyncio.Lock()
        self._taken: tuple[float, Sequence[Line]] | None = None

    async def lines(self) -> Sequence[Line]:
        """Look again where the last look is old; those who come meanwhile wait for the same one."""
        async with self._lock:
            if self._taken is None or self._now() - self._taken[0] > KEPT_S:
                self._taken = (self._now(), await self._look())
            return self._taken[1]
