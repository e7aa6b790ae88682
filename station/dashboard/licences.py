"""Licences of the station by the chain, with their ends; read in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from pywallet.errors import GomaaError
from station.catalogue.songs import Catalogue
from station.chain_interface import ChainView

FRESH_S: Final = 300.0
"""Time for which what was read is shown without reading again, s."""
AHEAD_S: Final = 400 * 86_400
"""Ends of rights are looked for up to this long from now, s."""
AT_ONCE: Final = 8
"""Songs that are read at once."""
WAIT_S: Final = 2.0
"""Time for which a page waits for the first reading, s."""

log = logging.getLogger("gomaa.station")

Standing = Literal["licensed", "missing", "revoked", "destroyed", "unknown"]


@dataclass(frozen=True, slots=True)
class Licence:
    """A station's licence for a song.

    Attributes:
        standing: ``unknown``: the chain could not be read, or has no such content.
        until_s: End of the right within ``AHEAD_S``, Unix s; None: none is known.
    """

    standing: Standing
    until_s: int | None = None


class Licences:
    """Licences of the catalogue's songs.

    Args:
        address: The station's address, 20 bytes.
        chain: Where they are read.
        catalogue: The songs.
        clock: A monotonic clock, s.
    """

    def __init__(self, address: bytes, chain: ChainView, catalogue: Catalogue, clock: Callable[[], float]) -> None:
        self._address = address
        self._chain = chain
        self._catalogue = catalogue
        self._clock = clock
        self._known: Mapping[bytes, Licence] = MappingProxyType({})
        self._read_s: float | None = None
        self._reading: asyncio.Task[None] | None = None

    async def current(self) -> Mapping[bytes, Licence]:
        """Licence by content, as read last; begins to read again where that is old, and waits for a first reading."""
        old = self._read_s is None or self._clock() - self._read_s > FRESH_S
        if old and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read())
        if self._read_s is None and self._reading is not None:
            await asyncio.wait({self._reading}, timeout=WAIT_S)
        return self._known

    async def stop(self) -> None:
        """End a reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(content: bytes) -> tuple[bytes, Licence]:
            async with slots:
                return content, await self._licence(content)

        contents = [song.content for song in self._catalogue.songs]
        self._known = MappingProxyType(dict(await asyncio.gather(*map(one, contents))))
        self._read_s = self._clock()

    async def _licence(self, content: bytes) -> Licence:
        try:
            facts = await self._chain.content(content, self._address)
            if facts is None:
                return Licence("unknown")
            if facts.revoked or facts.destroyed:
                return Licence("destroyed" if facts.destroyed else "revoked")
            if not facts.licensed:
                return Licence("missing")
            far_s = await self._chain.now_ms() // 1000 + AHEAD_S
            until_s = await self._chain.right_until(content, self._address, far_s)
        except GomaaError as error:
            log.debug("licence of %s: %s", content.hex(), error)
            return Licence("unknown")
        return Licence("licensed", until_s if until_s < far_s else None)
