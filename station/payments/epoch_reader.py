"""Reads posted epochs: published data that are those of the chain, for the operator's figures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from station.chain_interface import ChainView
from station.db.ledger import Store
from station.db.posted import PostedStore, State
from station.payments.posted_sums import station_part
from station.payments.server_client import Servers

MOST_EPOCHS: Final = 24
"""Epochs of one server that one round reads at most."""

log = logging.getLogger("gomaa.station")


class EpochReader:
    """Reads each server's posted epochs once, and how they end.

    Args:
        address: The station's address, 20 bytes.
        chain: Commitments of epochs.
        servers: Their published data.
        ledger: For the oldest ticket: earlier epochs have no plays of this station.
        store: Where the sums are kept.
        url_of: Returns the URL of a server by its address.
    """

    def __init__(
        self,
        address: bytes,
        chain: ChainView,
        servers: Servers,
        ledger: Store,
        store: PostedStore,
        url_of: Callable[[bytes], Awaitable[str]],
    ) -> None:
        self._address = address
        self._chain = chain
        self._servers = servers
        self._ledger = ledger
        self._store = store
        self._url_of = url_of

    async def step(self, server: bytes, first_epoch: int) -> int:
        """Read the next posted epochs of a server.

        Args:
            server: Its address, 20 bytes.
            first_epoch: The first epoch that may have plays of this station.

        Returns:
            The number of epochs read.

        Raises:
            Unavailable: ``chain.unreachable``, ``server.unreachable``.
            InputError: ``chain.mismatch``, ``message.schema``: as ``station_part``; read again in the next round.
        """
        known = await asyncio.to_thread(self._store.read_until, server)
        begin = first_epoch if known is None else max(known + 1, first_epoch)
        last = await self._chain.last_posted(server)
        if last is None or last < begin:
            return 0
        end = min(last, begin + MOST_EPOCHS - 1)
        taken = 0
        for epoch in range(begin, end + 1):
            post = await self._chain.post(server, epoch)
            if post is None:
                # Only the last one can be posted in parts at present; an earlier one had no plays.
                if epoch == last:
                    return taken
                continue
            raw = await self._servers.epoch_data(await self._url_of(server), epoch)
            part = await asyncio.to_thread(station_part, raw, server, epoch, post.commit, self._address)
            starts_s = epoch * self._chain.schedule.length
            await asyncio.to_thread(self._store.take, part, starts_s, _state(post.final, post.void))
            taken += 1
        await asyncio.to_thread(self._store.skip, server, end)
        return taken

    async def settle(self) -> None:
        """Look how epochs that were not final have ended.

        Raises:
            Unavailable: ``chain.unreachable``.
        """
        for server, epoch in await asyncio.to_thread(self._store.unsettled):
            post = await self._chain.post(server, epoch)
            state: State = "void" if post is None else _state(post.final, post.void)
            if state != "posted":
                await asyncio.to_thread(self._store.settle, server, epoch, state)

    async def round(self, servers: Sequence[bytes], now_ms: int) -> None:
        """Read all servers once; one that fails is tried again in the next round.

        Args:
            servers: Their addresses.
            now_ms: The chain's time, Unix ms.
        """
        issued_ms = await asyncio.to_thread(self._ledger.first_issued_ms)
        first_epoch = self._chain.schedule.epoch_of((now_ms if issued_ms is None else issued_ms) // 1000)
        for server in servers:
            try:
                await self.step(server, first_epoch)
            except GomaaError as error:
                log.info("published data of %s: %s", to_hex(server), error)
        try:
            await self.settle()
        except GomaaError as error:
            log.info("posted epochs: %s", error)


def _state(final: bool, void: bool) -> State:
    if void:
        return "void"
    return "final" if final else "posted"
