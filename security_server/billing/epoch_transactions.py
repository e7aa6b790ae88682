"""Transactions with the facts of the epoch that runs inside them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from pywallet.errors import Refusal, Unavailable
from pywallet.protocol import Domain
from pywallet.settlement import Schedule
from security_server.billing.accounts import AccountBase, StaleAccount
from security_server.billing.epoch_facts import EpochFacts
from security_server.billing.fair_slots import EpochBounds
from security_server.billing.statements import owed_contents
from security_server.chain.view import ChainView
from security_server.config import Keys
from security_server.db.connection import Connection
from security_server.db.writer import Store
from security_server.epochs.running_epoch import running_epoch

_ATTEMPTS: Final = 5
"""Most times that chain and database are read again because an epoch ends or a post is made meanwhile."""
T = TypeVar("T")


class _EpochChangedError(Exception):
    """The epoch that runs inside the transaction is not the one whose facts were read."""


class EpochTransactions:
    """Runs transactions about one payer with the facts of their epoch.

    Args:
        keys: The server's keys.
        domain: The settlement's EIP-712 domain.
        schedule: Of the settlement's epochs.
        store: The database.
        chain: The chain.
        bounds: Bounds of an epoch.
    """

    def __init__(
        self, *, keys: Keys, domain: Domain, schedule: Schedule, store: Store, chain: ChainView, bounds: EpochBounds
    ) -> None:
        self._keys = keys
        self._domain = domain
        self._schedule = schedule
        self._store = store
        self._chain = chain
        self._bounds = bounds

    async def run(
        self,
        payer: bytes,
        work: Callable[[Connection, EpochFacts], T],
        *,
        fresh: bool = False,
        owners: bool = False,
    ) -> T:
        """Run a function in a transaction whose commission, owners and account are those of the epoch inside it.

        Args:
            payer: Whose account is read, 20 bytes.
            work: Called in the transaction.
            fresh: True if the account is read anew.
            owners: True if the owners of what the payer owes for are read, in order to pay them.

        Raises:
            Unavailable: ``chain.unreachable``.
            Refusal: ``server.epoch.closed``: the clock's epoch is closed, and the owners of the next one are not known
                before it begins.
        """
        reread_for: AccountBase | None = None
        for _ in range(_ATTEMPTS):
            facts = await self._read(payer, fresh or reread_for is not None, owners, reread_for)

            def inside(connection: Connection, facts: EpochFacts = facts) -> T:
                if running_epoch(connection, facts.epoch) != facts.epoch:
                    raise _EpochChangedError
                return work(connection, facts)

            try:
                return await self._store.run(inside)
            except _EpochChangedError:
                reread_for = None
            except StaleAccount as stale:
                reread_for = stale.base
        raise Unavailable("chain.unreachable", reason="the epoch's facts change faster than they are read")

    async def _read(self, payer: bytes, fresh: bool, owners: bool, reread_for: AccountBase | None) -> EpochFacts:
        now_s = await self._chain.now_ms() // 1000
        clock = self._schedule.epoch_of(now_s)
        epoch = await self._store.run(partial(running_epoch, epoch=clock))
        if owners and epoch > clock:
            raise Refusal("server.epoch.closed", epoch=clock)
        money = replace(await self._chain.money(payer, fresh=fresh), bps=await self._chain.rate(epoch))
        contents = sorted(await self._store.run(lambda connection: owed_contents(connection, payer))) if owners else []
        owned = await asyncio.gather(*(self._chain.owner_at(content, epoch) for content in contents))
        return EpochFacts(
            self._domain,
            self._keys.address,
            self._keys.signing,
            epoch,
            now_s,
            money,
            await self._bond(),
            dict(zip(contents, owned, strict=True)),
            self._bounds,
            reread_for,
        )

    async def _bond(self) -> int:
        """The bond that backs receipts now: nothing while the server retires (rule 5)."""
        lane = await self._chain.lane()
        return 0 if lane.retired is not None else lane.bond
