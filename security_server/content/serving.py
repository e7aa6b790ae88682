"""Checks of which security server serves a content, by its contract (decision 0036)."""

from __future__ import annotations

from typing import Any

from pywallet.encoding.hex import to_hex
from pywallet.errors import Refusal
from pywallet.rules.admissibility import NOT_STARTED
from pywallet.settlement import Schedule
from security_server.chain.view import ChainView
from security_server.content.contents import MOVED
from security_server.db.queries import get
from security_server.db.tables import tickets
from security_server.db.writer import Store


class Serving:
    """Server of a content in each epoch.

    Args:
        address: This server's address, 20 bytes.
        schedule: Of the settlement's epochs.
        store: The database.
        chain: The chain.
    """

    def __init__(self, *, address: bytes, schedule: Schedule, store: Store, chain: ChainView) -> None:
        self._address = address
        self._schedule = schedule
        self._store = store
        self._chain = chain

    async def server_now(self, content: bytes) -> bytes:
        """Address of the content's server in the running epoch, 20 bytes."""
        now_s = await self._chain.now_ms() // 1000
        return await self._chain.server_at(content, self._schedule.epoch_of(now_s))

    async def require_now(self, content: bytes) -> None:
        """Require that this server serves a content in the running epoch. Raises Refusal ``server.moved``."""
        server = await self.server_now(content)
        if server != self._address:
            raise Refusal(MOVED, server=to_hex(server))

    async def require_holding(self, content: bytes) -> None:
        """Require that this server may have a content's keys: it serves now or in the next epoch, or is proposed.

        Raises:
            Refusal: ``server.mismatch``.
        """
        epoch = self._schedule.epoch_of(await self._chain.now_ms() // 1000)
        servers = {await self._chain.server_at(content, number) for number in (epoch, epoch + 1)}
        if self._address not in servers and await self._chain.proposed_server(content) != self._address:
            raise Refusal("server.mismatch", server=to_hex(await self._chain.server_at(content, epoch)))

    async def require_start(self, ticket: bytes, content: bytes, **detail: Any) -> None:
        """Require that a play may start here, or has started: after a move only running plays continue.

        Args:
            ticket: Id of the ticket, 32 bytes.
            content: 20 bytes.
            detail: Further fields of the refusal's detail.

        Raises:
            Refusal: ``server.moved``.
        """
        server = await self.server_now(content)
        if server == self._address:
            return
        row = await self._store.run(lambda connection: get(connection, tickets, id=ticket))
        if row is None or row["play_state"] in NOT_STARTED:
            raise Refusal(MOVED, server=to_hex(server), **detail)
