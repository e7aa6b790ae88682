"""Readiness of the server for a load balancer: what is missing to serve."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import select

from pywallet.errors import GomaaError, Unavailable
from security_server.db.connection import Connection
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import ChainAgreement
from security_server.operations.drain import RETRY_S, Drain

DATABASE_S: Final = 2.0
"""Seconds within which the database's writer has to answer."""
DRAINING: Final = "draining"
DATABASE: Final = "database"
AGREEMENT: Final = "agreement with the chain"


class Readiness:
    """Checks what every request needs.

    A node that does not answer is not checked here: all processes lack it at once, and plays go on by what is known.

    Args:
        store: The database.
        agreement: Agreement of database and chain.
        drain: The drain of this server.
    """

    def __init__(self, store: Store, agreement: ChainAgreement, drain: Drain) -> None:
        self._store = store
        self._agreement = agreement
        self._drain = drain
        self._checking: asyncio.Task[None] | None = None

    async def missing(self) -> list[str]:
        """Missing parts: of ``DRAINING``, ``DATABASE`` and ``AGREEMENT``; empty: the server is ready."""
        found = [DRAINING] if self._drain.began else []
        if not await self._database_answers():
            found.append(DATABASE)
        try:
            self._agreement.require()
        except GomaaError:
            found.append(AGREEMENT)
        return found

    async def require(self) -> None:
        """Require readiness. Raises Unavailable ``server.unready`` with ``missing``."""
        missing = await self.missing()
        if missing:
            raise Unavailable("server.unready", missing=", ".join(missing), retry_after=RETRY_S)

    async def _database_answers(self) -> bool:
        # Concurrent probes share one transaction.
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._ask_database())
        try:
            async with asyncio.timeout(DATABASE_S):
                await asyncio.shield(self._checking)
        except Exception:
            return False
        return True

    async def _ask_database(self) -> None:
        await self._store.run(_ask)


def _ask(connection: Connection) -> None:
    connection.execute(select(1))
