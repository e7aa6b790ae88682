"""Background work of moves: last counters of contents that arrive, keys of contents that have moved away."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import delete, func, select

from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.settlement import Schedule
from security_server.chain.view import ChainView
from security_server.content.contents import MOVED, ContentStore
from security_server.content.serving import Serving
from security_server.content.takeover import Takeover
from security_server.db.connection import Connection
from security_server.db.tables import takeovers, tickets
from security_server.db.writer import Store

log = logging.getLogger("gomaa.server")


class Moves:
    """Completes takeovers, and deletes the keys of contents that other servers serve.

    Args:
        address: This server's address, 20 bytes.
        schedule: Of the settlement's epochs.
        store: The database.
        chain: The chain.
        songs: Contents and keys.
        serving: Server of a content in each epoch.
        takeover: Contents that this server takes over.
        every_s: Seconds between two rounds.
    """

    def __init__(
        self,
        *,
        address: bytes,
        schedule: Schedule,
        store: Store,
        chain: ChainView,
        songs: ContentStore,
        serving: Serving,
        takeover: Takeover,
        every_s: float,
    ) -> None:
        self._address = address
        self._schedule = schedule
        self._store = store
        self._chain = chain
        self._songs = songs
        self._serving = serving
        self._takeover = takeover
        self._every_s = every_s

    async def run(self) -> None:
        """Do rounds until cancelled."""
        while True:
            try:
                await self.round()
            except GomaaError as error:
                log.warning("moves: %s", error)
            await asyncio.sleep(self._every_s)

    async def round(self) -> None:
        """Copy the missing counters of contents that are served here, and delete keys of those that moved away."""
        for content in {*await self._songs.with_keys(), *self._songs.cached()}:
            if await self._serving.server_now(content) == self._address:
                await self._takeover.complete(content)
            elif await self._is_over(content):
                await self._delete_keys(content)

    async def _is_over(self, content: bytes) -> bool:
        """True if the keys are not needed here any more.

        That is a whole epoch after the last one here, with no valid ticket left.
        """
        now_s = await self._chain.now_ms() // 1000
        epoch = self._schedule.epoch_of(now_s)
        servers = {
            await self._chain.server_at(content, number, fresh=True) for number in (max(0, epoch - 1), epoch, epoch + 1)
        }
        if self._address in servers or await self._chain.proposed_server(content) == self._address:
            return False
        valid = select(func.count()).where(
            tickets.c.content == content, tickets.c.expiry_s > now_s, tickets.c.play_state != "ended"
        )
        return not await self._store.run(lambda connection: connection.execute(valid).scalar_one())

    async def _delete_keys(self, content: bytes) -> None:

        def forget(connection: Connection) -> None:
            connection.execute(delete(takeovers).where(takeovers.c.content == content))

        if await self._songs.delete_keys(content, MOVED, await self._chain.now_ms()):
            await self._store.run(forget)
            log.info("%s: moved to another server, keys deleted", to_hex(content))
