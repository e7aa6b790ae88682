"""Closes ended epochs, then takes each from closed to final by ``settlement_state``'s table."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from sqlalchemy import select, update

from messages.host_server.events import EpochEvent
from messages.server_http import EpochResult
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError, Unavailable
from pywallet.settlement import Schedule
from security_server.chain.view import ChainView
from security_server.config import Keys
from security_server.db.connection import Connection
from security_server.db.queries import get
from security_server.db.tables import challenges, epochs, refunds
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import ChainAgreement
from security_server.epochs.epoch_store import close_epoch, ended, unowned
from security_server.epochs.publishing import EpochPublisher
from security_server.epochs.settlement_state import (
    STANDING,
    Action,
    Facts,
    Row,
    State,
    decide,
)
from security_server.host_connections import HostConnections

log = logging.getLogger("gomaa.server")

DONE: Final = (State.FINAL, State.MISSED)


class EpochCloser:
    """Takes every epoch from running to final or missed, without a state of its own: each round reads the chain."""

    def __init__(
        self,
        *,
        keys: Keys,
        schedule: Schedule,
        store: Store,
        chain: ChainView,
        hosts: HostConnections,
        agreement: ChainAgreement,
        publishing: EpochPublisher,
        every_s: float,
    ) -> None:
        self._keys = keys
        self._schedule = schedule
        self._store = store
        self._chain = chain
        self._hosts = hosts
        self._address = keys.address
        self._publishing = publishing
        self._agreement = agreement
        self._every_s = every_s
        self._lock = asyncio.Lock()
        self._triggered = asyncio.Event()

    async def run(self) -> None:
        """Do rounds until cancelled; a failure is logged and retried in the next round."""
        while True:
            try:
                await self.round()
            except GomaaError as error:
                log.warning("closing: %s", error)
            except Exception:
                log.exception("closing failed")
            self._triggered.clear()
            try:
                async with asyncio.timeout(self._every_s):
                    await self._triggered.wait()
            except TimeoutError:
                pass

    def trigger(self) -> None:
        """Start the next round at once: a challenge can only be answered after the post."""
        self._triggered.set()

    async def close_last(self) -> EpochResult:
        """Do a round; returns the state of the last ended epoch, as ``EpochPublisher.epoch``."""
        await self.round()
        now_s = await self._chain.now_ms() // 1000
        return await self._publishing.epoch(max(0, self._schedule.epoch_of(now_s) - 1))

    async def round(self) -> None:
        """Do one step for every epoch that needs one, oldest first.

        A failing epoch is logged with its code and does not stop the others.
        """
        async with self._lock:
            if not await self._store.leads():
                return
            running = self._schedule.epoch_of(await self._chain.now_ms() // 1000)
            for epoch in await self._store.lead(lambda connection: ended(connection, running)):
                await self._isolated("closing", epoch, self._close(epoch))
            now_s = await self._chain.now_ms() // 1000
            for epoch in await self._store.run(
                lambda connection: _open_epochs(connection, now_s - 2 * self._schedule.length, self._schedule.length)
            ):
                await self._isolated("settling", epoch, self._step(epoch))

    async def _isolated(self, what: str, epoch: int, work: Any) -> None:
        try:
            await work
        except Unavailable as error:
            log.warning("%s epoch %d: %s", what, epoch, error)
        except GomaaError as error:
            log.error("%s epoch %d: %s", what, epoch, error)
        except Exception:
            log.exception("internal: %s epoch %d failed", what, epoch)

    async def _close(self, epoch: int) -> None:
        """Write an ended epoch's bytes, in one transaction. Rate and owners are those of that epoch."""
        rate = await self._chain.rate(epoch)
        owners = {
            content: await self._owner(content, epoch)
            for content in await self._store.run(lambda connection: unowned(connection, epoch))
        }
        await self._store.lead(
            lambda connection: close_epoch(
                connection, self._address, epoch, rate, owners, self._keys.tag_secret, self._schedule.length
            )
        )
        log.info("epoch %d closed", epoch)

    async def _owner(self, content: bytes, epoch: int) -> bytes:
        try:
            return await self._chain.owner_at(content, epoch)
        except Unavailable:
            raise
        except GomaaError as error:
            # A contract without a valid answer does not stop the epoch: the content was only counted, not paid.
            log.error("owner of %s in epoch %d: %s", content.hex(), epoch, error)
            uploader = await self._store.run(lambda connection: _uploader(connection, content))
            if uploader is None:
                raise
            return uploader

    async def _step(self, epoch: int) -> None:
        """Read an epoch from the chain, store its state, and do the table's action."""
        facts, stored = await self._read(epoch)
        row = decide(facts)
        if row.state is State.MISMATCH:
            self._agreement.differs(epoch)
        elif facts.ready:
            self._agreement.agrees(epoch)
        await self._write_state(epoch, stored["settlement_state"], row.state)
        if row.action in (Action.POST, Action.REFUND, Action.UNDO):
            await self._act(epoch, row)
        elif row.state is State.MISSED and stored["settlement_state"] != row.state:
            log.error("epoch %d was not posted in time", epoch)

    async def _read(self, epoch: int) -> tuple[Facts, dict[str, Any]]:
        schedule = self._schedule
        stored, challenged, refunded = await self._store.run(lambda connection: _stored(connection, epoch))
        posted = await self._chain.epoch(epoch)
        last = (await self._chain.lane(fresh=True)).last
        blocked = False
        if not posted.ready and last is not None and last != epoch:
            other = await self._chain.epoch(last)
            blocked = not other.final if other.ready else await self._chain.draft(last) > 0
        transaction = stored["transaction"]
        pending = (
            transaction is not None and (not posted.ready or posted.void) and await self._chain.pending(transaction)
        )
        now_s = await self._chain.now_ms() // 1000
        draft = 0 if posted.ready else await self._chain.draft(epoch)
        times = (now_s, schedule.post_from(epoch), schedule.post_until(epoch))
        commitments = (stored["commitment"], posted.commit, posted.ready, posted.final, posted.void, posted.open)
        return Facts(*commitments, draft, challenged, refunded, pending, blocked, *times), stored

    async def _act(self, epoch: int, row: Row) -> None:
        key = self._keys.signing
        closed = await self._publishing.closed(epoch)
        if not await self._store.leads():
            # Another process does it. Where it has done so since, the contract refuses this one's transaction.
            return
        transaction: bytes | None
        try:
            if row.action is Action.POST:
                transaction = await self._post(epoch)
            elif row.action is Action.REFUND:
                debits = [(debit.payer, debit.net) for debit in closed.data.debits]
                transaction = await self._chain.refund(
                    key, epoch, closed.header, closed.data.counts_root, closed.data_hash, debits
                )
            else:
                transaction = await self._chain.undo(key, epoch)
        except Unavailable as error:
            if isinstance(sent := error.detail.get("transaction"), str):
                # Not in a block yet: the next read looks for it, so that it is not sent twice.
                await self._write_transaction(epoch, from_hex(sent, 32))
            raise
        finally:
            self._chain.forget_money()
        if transaction is not None:
            await self._write_transaction(epoch, transaction)
        log.info("epoch %d: %s", epoch, row.action)
        facts, stored = await self._read(epoch)
        await self._write_state(epoch, stored["settlement_state"], decide(facts).state)

    async def _post(self, epoch: int) -> bytes | None:
        key = self._keys.signing
        arguments = await self._publishing.post_arguments(epoch)
        try:
            return await self._chain.post(key, epoch, *arguments)
        except GomaaError as error:
            if error.code != "chain.mismatch":
                raise
            # A draft of a lost database: it is undone, and the next round posts.
            log.error("epoch %d: a draft of other entries is undone", epoch)
            return await self._chain.undo(key, epoch)

    async def _write_transaction(self, epoch: int, transaction: bytes) -> None:
        change = update(epochs).where(epochs.c.epoch == epoch).values(transaction=transaction)
        await self._store.lead(lambda connection: connection.execute(change) and None)

    async def _write_state(self, epoch: int, before: str, state: State) -> None:
        if before == state:
            return
        change = update(epochs).where(epochs.c.epoch == epoch).values(settlement_state=str(state))
        await self._store.lead(lambda connection: connection.execute(change) and None)
        if state is State.FINAL:
            await self._hosts.push(EpochEvent(epoch, "final"))
        elif state in STANDING and before not in STANDING:
            await self._hosts.push(EpochEvent(epoch, "posted"))


def _open_epochs(connection: Connection, since_s: int, length_s: int) -> list[int]:
    """Epochs that are neither final nor missed, oldest first.

    Those that ended since ``since_s`` are included in any state.
    """
    query = (
        select(epochs.c.epoch)
        .where((epochs.c.settlement_state.notin_(DONE)) | (epochs.c.epoch >= since_s // length_s))
        .order_by(epochs.c.epoch)
    )
    return list(connection.execute(query).scalars())


def _stored(connection: Connection, epoch: int) -> tuple[dict[str, Any], bool, bool]:
    """The epoch's row; True if it was ever challenged; True if a post of it was refunded."""
    row = (
        connection.execute(
            select(epochs.c.settlement_state, epochs.c.commitment, epochs.c.transaction).where(epochs.c.epoch == epoch)
        )
        .mappings()
        .one()
    )
    challenged = (
        connection.execute(select(challenges.c.payee).where(challenges.c.epoch == epoch).limit(1)).first() is not None
    )
    return dict(row), challenged, get(connection, refunds, epoch=epoch) is not None


def _uploader(connection: Connection, content: bytes) -> bytes | None:
    from security_server.db.tables import contents

    row = get(connection, contents, content=content)
    return None if row is None else bytes(row["header_owner"])
