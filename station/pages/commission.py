"""The commission that the radio page shows."""

from __future__ import annotations

import asyncio
import logging

from pywallet.errors import GomaaError
from station.catalogue.songs import Catalogue
from station.chain_interface import ChainView

log = logging.getLogger("gomaa.station")

REFRESH_S = 2.0
"""Pause between two reads, s."""


class CommissionWatch:
    """Reads the current commission, and has the catalogue's folder read again, every ``REFRESH_S``."""

    def __init__(self, chain: ChainView, catalogue: Catalogue) -> None:
        self._chain = chain
        self._catalogue = catalogue
        self.bps: int | None = None
        """Commission when the chain last answered, basis points; for display only."""

    async def run(self) -> None:
        """Refresh until cancelled."""
        while True:
            await asyncio.to_thread(self._catalogue.refresh)
            try:
                epoch = self._chain.schedule.epoch_of(await self._chain.now_ms() // 1000)
                self.bps = await self._chain.rate(epoch)
            except GomaaError as error:
                log.debug("commission not read: %s", error)
            await asyncio.sleep(REFRESH_S)
