"""Regular work: settlement with each server, its posted epochs, deletion of old rows, points, listeners over time."""

from __future__ import annotations

import asyncio
import logging

from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from station.chain_interface import ChainView
from station.db.figures import Figures
from station.db.retention import Retention
from station.payments.directory import ServerDirectory
from station.payments.epoch_reader import EpochReader
from station.payments.statements import Bookkeeper
from station.rewards.loyalty import Loyalty

log = logging.getLogger("gomaa.station")


class SettlementRounds:
    """Settles with every known server, again and again.

    Args:
        chain: For the time.
        directory: The servers.
        bookkeeper: Checks statements and signs vouchers.
        retention: Deletes what is settled and old.
        loyalty: Gives points.
        reader: Reads posted epochs.
        figures: Keeps the listeners over time.
        interval_s: Pause between two rounds, s.
    """

    def __init__(
        self,
        chain: ChainView,
        directory: ServerDirectory,
        bookkeeper: Bookkeeper,
        retention: Retention,
        loyalty: Loyalty,
        reader: EpochReader,
        figures: Figures,
        interval_s: float,
    ) -> None:
        self._chain = chain
        self._directory = directory
        self._bookkeeper = bookkeeper
        self._retention = retention
        self._loyalty = loyalty
        self._reader = reader
        self._figures = figures
        self._interval_s = interval_s

    async def run_once(self) -> None:
        """One round. A server or a chain that does not answer is tried again in the next one.

        Servers without a ticket here are asked as well: after the loss of the database they show what is owed.
        """
        servers = sorted(await asyncio.to_thread(self._directory.addresses))
        for server in servers:
            try:
                outcome = await self._bookkeeper.round(server, await self._directory.url(server))
                if outcome.waiting is not None:
                    log.info("%s: not all is settled yet: %s", to_hex(server), outcome.waiting)
                else:
                    await self._retention.step(server, await self._chain.now_ms())
            except GomaaError as error:
                log.warning("statement of %s: %s", to_hex(server), error)
        try:
            now_ms = await self._chain.now_ms()
            await self._loyalty.award_points(now_ms)
            await asyncio.to_thread(self._figures.note_listeners, now_ms)
            await self._reader.round(servers, now_ms)
        except GomaaError as error:
            log.debug("points and figures wait: %s", error)

    async def run(self) -> None:
        """Rounds until cancelled."""
        while True:
            await self.run_once()
            await asyncio.sleep(self._interval_s)
