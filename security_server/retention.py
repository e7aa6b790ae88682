"""Deletes rows that are settled and older than ``keep_days``, a few at a time between requests.

The bytes of closed epochs stay, and so do tickets that a policy may still count (devices, plays of a length).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Table, and_, bindparam, delete, exists, func, select

from pywallet.errors import GomaaError
from pywallet.settlement import Schedule
from security_server.chain.view import ChainView
from security_server.content.contents import ContentStore, depends_on_old_plays
from security_server.db.connection import Connection
from security_server.db.cursors import (
    ENDED,
    SESSIONS_SEEN,
    TICKETS_SEEN,
    read_cursor,
    set_cursor,
)
from security_server.db.refusal_counts import DAY_MS
from security_server.db.tables import (
    claims,
    contents,
    debits,
    entries,
    epoch_contents,
    epoch_owners,
    epoch_refused,
    epoch_terms,
    epoch_totals,
    epochs,
    invocations,
    lines,
    payees,
    payers,
    receipts,
    refusal_counts,
    sessions,
    tickets,
    tracked,
    usage_leaves,
)
from security_server.db.writer import Store
from security_server.epochs.settlement_state import State

log = logging.getLogger("gomaa.server")

BATCH: Final = 500
"""Rows that one transaction deletes, so that it takes a few milliseconds."""
PAUSE_S: Final = 0.1
"""Seconds between two such transactions."""
ROUND_S: Final = 60.0
"""Seconds between two rounds when there was nothing to delete."""
_OVER: Final = (State.FINAL, State.MISSED)
_BY_EPOCH: Final = (
    *(lines, epoch_contents, epoch_owners, epoch_totals, payees, entries, usage_leaves),
    *(epoch_terms, epoch_refused),
)
"""Tables whose rows of a final epoch are all in its bytes, or bound only what enters it while it runs."""


def first_unsettled(connection: Connection) -> int:
    """The first epoch that is neither final nor missed. A reorganisation may make it an earlier one."""
    queries = (
        select(func.min(epochs.c.epoch)).where(epochs.c.settlement_state == str(state))
        for state in State
        if state not in _OVER
    )
    first = [connection.execute(query).scalar() for query in queries]
    return min([read_cursor(connection, ENDED) or 0, *(int(epoch) for epoch in first if epoch is not None)])


@dataclass(frozen=True)
class Ages:
    """Age limits of one deletion.

    Attributes:
        epoch: Rows of epochs before this one may be deleted.
        time_s: So may tickets, sessions and refusals that ended before this, Unix seconds.
        receipts_epoch: Receipts of epochs before this one are deleted, claimed or not.
        whole: True if every epoch before ``time_s`` is settled: examined rows are then not examined again.
    """

    epoch: int
    time_s: int
    receipts_epoch: int
    whole: bool


def prune(connection: Connection, kept: Collection[bytes], ages: Ages) -> int:
    """Delete at most ``BATCH`` rows of the first kind that has any; returns their number.

    Args:
        connection: The transaction.
        kept: Contents whose policy counts over all time: their tickets stay.
        ages: The age limits.
    """
    of_epochs = ((table, table.c.epoch < ages.epoch) for table in (invocations, *_BY_EPOCH))
    # A debit that is not in its payer's base yet is the only record of it.
    folded = exists().where(payers.c.payer == debits.c.payer, payers.c.base_epoch >= debits.c.epoch)
    owed = (debits, and_(debits.c.epoch < ages.epoch, folded))
    for table, condition in (
        *of_epochs,
        owed,
        (receipts, receipts.c.epoch < ages.receipts_epoch),
        (refusal_counts, _old_days(ages)),
    ):
        if deleted := _delete(connection, table, condition):
            return deleted
    return _claimed(connection, ages) or _tickets(connection, kept, ages) or _sessions(connection, ages)


def _old_days(ages: Ages) -> ColumnElement[bool]:
    return refusal_counts.c.day < ages.time_s * 1000 // DAY_MS


def _claimed(connection: Connection, ages: Ages) -> int:
    """Delete receipts that were claimed here, and their claims: the chain has them."""
    query = select(claims.c.epoch, claims.c.payee).where(claims.c.epoch < ages.epoch).limit(BATCH)
    keys = [tuple(row) for row in connection.execute(query)]
    if not keys:
        return 0
    _remove(connection, receipts, (receipts.c.epoch, receipts.c.payee), keys)
    _remove(connection, claims, (claims.c.epoch, claims.c.payee), keys)
    return len(keys)


def _tickets(connection: Connection, kept: Collection[bytes], ages: Ages) -> int:
    since_s = read_cursor(connection, TICKETS_SEEN) or 0
    old = and_(tickets.c.expiry_s >= since_s, tickets.c.expiry_s < ages.time_s)
    no_invocation = ~exists().where(invocations.c.ticket == tickets.c.id)
    wanted = and_(old, tickets.c.unvouchered_intervals == 0, tickets.c.content.not_in(list(kept)), no_invocation)
    identities = list(connection.execute(select(tickets.c.id).where(wanted).limit(BATCH)).scalars())
    if not identities and ages.whole:
        set_cursor(connection, TICKETS_SEEN, ages.time_s)
    if identities:
        keys = [(identity,) for identity in identities]
        _remove(connection, tracked, (tracked.c.ticket,), keys)
        _remove(connection, tickets, (tickets.c.id,), keys)
    return len(identities)


def _sessions(connection: Connection, ages: Ages) -> int:
    since_s = read_cursor(connection, SESSIONS_SEEN) or 0
    old = and_(sessions.c.not_after_s >= since_s, sessions.c.not_after_s < ages.time_s)
    deleted = _delete(connection, sessions, and_(old, ~exists().where(tickets.c.session == sessions.c.id)))
    if not deleted and ages.whole:
        set_cursor(connection, SESSIONS_SEEN, ages.time_s)
    return deleted


def _delete(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    key = tuple(table.primary_key.columns)
    keys = [tuple(row) for row in connection.execute(select(*key).where(condition).limit(BATCH))]
    if keys:
        _remove(connection, table, key, keys)
    return len(keys)


def _remove(connection: Connection, table: Table, key: Sequence[Column[Any]], values: Sequence[Sequence[Any]]) -> None:
    """Delete the rows with these keys, each found by its index.

    Of a list of pairs SQLite would read the whole table.
    """
    if [column.name for column in key] == [column.name for column in table.primary_key.columns]:
        connection.delete(table, values)
        return
    match = and_(*(column == bindparam(f"key_{column.name}", type_=column.type) for column in key))
    names = [f"key_{column.name}" for column in key]
    connection.execute(delete(table).where(match), [dict(zip(names, row, strict=True)) for row in values])


class Retention:
    """Background task that deletes by ``keep_days`` and ``keep_receipts_days``; 0 keeps for ever."""

    def __init__(
        self,
        *,
        schedule: Schedule,
        store: Store,
        chain: ChainView,
        songs: ContentStore,
        keep_days: int,
        keep_receipts_days: int,
    ) -> None:
        self._schedule = schedule
        self._store = store
        self._chain = chain
        self._songs = songs
        self._keep_days = keep_days
        self._keep_receipts_days = keep_receipts_days

    async def run(self) -> None:
        """Delete until cancelled; a failure is logged and retried."""
        while True:
            try:
                deleted = await self.step()
            except GomaaError as error:
                log.warning("deleting old rows: %s", error)
                deleted = 0
            except Exception:
                log.exception("internal: deleting old rows failed")
                deleted = 0
            await asyncio.sleep(PAUSE_S if deleted else ROUND_S)

    async def finish(self) -> int:
        """Delete everything that may be deleted now; returns the number of rows. Raises as ``step``."""
        deleted = 0
        while more := await self.step():
            deleted += more
        return deleted

    async def step(self) -> int:
        """Run one transaction; returns the number of rows that it deleted."""
        if not await self._store.leads():
            return 0
        now_s = await self._chain.now_ms() // 1000
        settled = await self._store.run(first_unsettled)
        if not self._keep_days:
            return 0
        time_s = max(0, now_s - self._keep_days * 86_400)
        aged = self._schedule.epoch_of(time_s)
        receipts_s = (
            max(0, now_s - max(self._keep_days, self._keep_receipts_days) * 86_400) if self._keep_receipts_days else 0
        )
        epoch = min(settled, aged)
        ages = Ages(epoch, time_s, min(epoch, self._schedule.epoch_of(receipts_s)), settled >= aged)
        kept = await self._kept()
        return await self._store.lead(lambda connection: prune(connection, kept, ages))

    async def _kept(self) -> set[bytes]:
        names = await self._store.run(lambda connection: list(connection.execute(select(contents.c.content)).scalars()))
        return {
            bytes(content) for content in names if depends_on_old_plays((await self._songs.get(bytes(content))).policy)
        }
