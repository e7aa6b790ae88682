"""Deletes settled, old rows, so that a station's disk use is bounded by ``keep_days`` of plays."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pywallet.settlement import Schedule
from station.db.ledger import Store
from station.db.payments import MAX_CAPS
from station.db.tables import (
    ACKNOWLEDGEMENTS,
    LISTENER_TICKETS,
    PRUNED_TICKETS,
    QUARANTINE,
    REWARDED_TICKETS,
    SETTLED_TICKETS,
    STATEMENTS,
    TICKETS,
    VOUCHERS,
)

BATCH: Final = 500
"""Rows of one table that one transaction deletes at most."""

KEPT_VOUCHERS: Final = MAX_CAPS
"""Latest vouchers of a server that are kept at any age: the highest cap is among them."""

DAY_MS: Final = 86_400_000


class Retention:
    """Deletes one batch per settlement round and server.

    Deleted are tickets that ended ``keep_days`` ago and whose vouchered intervals are all acknowledged, and statements
    and vouchers of the same age. Kept are quarantined lines, rewarded tickets without points yet, one paid ticket of
    each listener and owner, and everything until its epoch is final.

    Args:
        store: The database.
        keep_days: Days after a ticket's end; 0 keeps everything.
        schedule: The chain's epochs, for the time until an epoch is final.
    """

    def __init__(self, store: Store, keep_days: int, schedule: Schedule) -> None:
        self._store = store
        # An epoch that is posted late, challenged and answered is final after that.
        final_s = 2 * (
            schedule.length + schedule.grace + schedule.window + schedule.answer + schedule.late + schedule.delay
        )
        self._keep_ms = max(keep_days * DAY_MS, final_s * 1000) if keep_days else None
        self._checked_s: dict[bytes, int] = {}
        """By server: Unix s before which every deletable ticket has been deleted."""

    async def step(self, server: bytes, now_ms: int) -> int:
        """Delete a batch of one server's rows.

        Args:
            server: Its address, 20 bytes.
            now_ms: The chain's time, Unix ms.

        Returns:
            The number of rows deleted.
        """
        if self._keep_ms is None or now_ms <= self._keep_ms:
            return 0
        return await asyncio.to_thread(self._prune, server, now_ms - self._keep_ms)

    def _prune(self, server: bytes, before_ms: int) -> int:
        old = _Old(server, self._checked_s.get(server, 0), before_ms // 1000)
        with self._store.engine.begin() as db:
            tickets = _tickets(db, old)
            deleted = tickets + _vouchers(db, server, before_ms) + _statements(db, server, before_ms)
            if not tickets:
                self._checked_s[server] = _first_waiting(db, old) or old.before_s
        return deleted


@dataclass(frozen=True, slots=True)
class _Old:
    """A server's tickets that ended in [since_s, before_s), Unix s."""

    server: bytes
    since_s: int
    before_s: int

    @property
    def here(self) -> sa.ColumnElement[bool]:
        """The tickets; uses the index ``tickets_open``."""
        return sa.and_(
            TICKETS.c.server == self.server, TICKETS.c.expiry_s >= self.since_s, TICKETS.c.expiry_s < self.before_s
        )

    @property
    def waiting(self) -> sa.ColumnElement[bool]:
        """Not yet deletable: not settled, acknowledged recently, or without points yet."""
        acknowledged = sa.exists().where(
            SETTLED_TICKETS.c.server == self.server,
            SETTLED_TICKETS.c.ticket_number == TICKETS.c.number,
            ACKNOWLEDGEMENTS.c.id == SETTLED_TICKETS.c.acknowledgement_id,
            ACKNOWLEDGEMENTS.c.received_ms >= self.before_s * 1000,
        )
        without_points = sa.exists().where(
            REWARDED_TICKETS.c.ticket_number == TICKETS.c.number, sa.not_(REWARDED_TICKETS.c.points_given)
        )
        return sa.or_(TICKETS.c.settled_intervals < TICKETS.c.vouchered_intervals, acknowledged, without_points)

    @property
    def kept(self) -> sa.ColumnElement[bool]:
        """Never deletable: quarantined, or the listener's last paid ticket of this owner.

        ``ListenerTickets.was_paid`` needs the latter.
        """
        later, paid = REWARDED_TICKETS.alias(), TICKETS.alias()
        again = sa.exists().where(
            later.c.listener == REWARDED_TICKETS.c.listener,
            later.c.owner == REWARDED_TICKETS.c.owner,
            later.c.ticket_number > REWARDED_TICKETS.c.ticket_number,
            paid.c.number == later.c.ticket_number,
            paid.c.vouchered_intervals > 0,
        )
        last = sa.exists().where(
            REWARDED_TICKETS.c.ticket_number == TICKETS.c.number, TICKETS.c.vouchered_intervals > 0, sa.not_(again)
        )
        aside = sa.exists().where(QUARANTINE.c.server == self.server, QUARANTINE.c.ticket_number == TICKETS.c.number)
        return sa.or_(last, aside)


def _first_waiting(db: Connection, old: _Old) -> int | None:
    return db.execute(sa.select(sa.func.min(TICKETS.c.expiry_s)).where(old.here, old.waiting)).scalar()


def _tickets(db: Connection, old: _Old) -> int:
    query = sa.select(TICKETS.c.number, TICKETS.c.expiry_s).where(old.here, sa.not_(old.waiting), sa.not_(old.kept))
    rows = db.execute(query.order_by(TICKETS.c.expiry_s).limit(BATCH)).all()
    if not rows:
        return 0
    for number in (LISTENER_TICKETS.c.ticket_number, REWARDED_TICKETS.c.ticket_number, TICKETS.c.number):
        _delete(db, number, [row.number for row in rows])
    until_s = max(row.expiry_s for row in rows)
    # ``Resync`` ignores tickets up to this time when a server shows them as unpaid again.
    stored = db.execute(sa.select(PRUNED_TICKETS.c.until_s).where(PRUNED_TICKETS.c.server == old.server)).scalar()
    if stored is None:
        db.execute(sa.insert(PRUNED_TICKETS).values(server=old.server, until_s=until_s))
    elif stored < until_s:
        db.execute(sa.update(PRUNED_TICKETS).where(PRUNED_TICKETS.c.server == old.server).values(until_s=until_s))
    return len(rows)


def _vouchers(db: Connection, server: bytes, before_ms: int) -> int:
    here = VOUCHERS.c.server == server
    oldest = db.execute(
        sa.select(VOUCHERS.c.id).where(here).order_by(VOUCHERS.c.id.desc()).limit(1).offset(KEPT_VOUCHERS - 1)
    ).scalar()
    if oldest is None:
        return 0
    query = sa.select(VOUCHERS.c.id, STATEMENTS.c.received_ms).join(
        STATEMENTS, STATEMENTS.c.id == VOUCHERS.c.statement_id
    )
    rows = db.execute(query.where(here, VOUCHERS.c.id < oldest).order_by(VOUCHERS.c.id).limit(BATCH)).all()
    return _delete(db, VOUCHERS.c.id, [row.id for row in rows if row.received_ms < before_ms])


def _statements(db: Connection, server: bytes, before_ms: int) -> int:
    here = STATEMENTS.c.server == server
    last = db.execute(sa.select(sa.func.max(STATEMENTS.c.id)).where(here)).scalar()
    first = db.execute(sa.select(sa.func.min(VOUCHERS.c.statement_id)).where(VOUCHERS.c.server == server)).scalar()
    if last is None:
        return 0
    # Statements and vouchers are numbered in the same order: statements before the oldest voucher's have none.
    end = last if first is None else min(first, last)
    rows = db.execute(
        sa.select(STATEMENTS.c.id, STATEMENTS.c.received_ms)
        .where(here, STATEMENTS.c.id < end)
        .order_by(STATEMENTS.c.id)
        .limit(BATCH)
    )
    return _delete(db, STATEMENTS.c.id, [row.id for row in rows if row.received_ms < before_ms])


def _delete(db: Connection, key: sa.Column[Any], values: list[int]) -> int:
    if values:
        db.execute(sa.delete(key.table).where(key.in_(values)))
    return len(values)
