"""Tickets by listener (their address at this station), for limits, rewards and points."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from pywallet.rewards import PaidPlay
from pywallet.rewards.points_rules import DAY_S
from pywallet.rules.limits import LISTENER_LEAD_MS
from station.db.ledger import HOLD_S
from station.db.rows import ticket_row
from station.db.tables import LISTENER_TICKETS, REWARDED_TICKETS, TICKETS


class ListenerTickets:
    """Queries over the tickets of one listener. Methods block for one short transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(
        self,
        db: Connection,
        number: int,
        listener: bytes,
        owner: bytes | None,
        now_s: int,
        expiry_s: int,
        song_intervals: int,
    ) -> None:
        """Link a ticket to its listener, in the transaction that writes the ticket.

        Args:
            db: The open transaction.
            number: The ticket's number.
            listener: Their address at this station, 20 bytes.
            owner: The content owner's address; None: the listener takes no rewards.
            now_s: Time of issue, Unix s.
            expiry_s: The ticket's end, Unix s.
            song_intervals: Intervals of the whole song.
        """
        row = {"ticket_number": number, "listener": listener}
        db.execute(sa.insert(LISTENER_TICKETS).values(**row, expiry_s=expiry_s, song_intervals=song_intervals))
        if owner is not None:
            db.execute(sa.insert(REWARDED_TICKETS).values(**row, owner=owner, unix_day=now_s // DAY_S))

    def count_unplayed(self, db: Connection, listener: bytes, now_s: int) -> int:
        """Number of this listener's valid tickets, in all sessions, without a vouchered interval."""
        both = LISTENER_TICKETS.join(TICKETS, TICKETS.c.number == LISTENER_TICKETS.c.ticket_number)
        conditions = (
            LISTENER_TICKETS.c.listener == listener,
            LISTENER_TICKETS.c.expiry_s > now_s,
            TICKETS.c.vouchered_intervals == 0,
        )
        return int(db.execute(sa.select(sa.func.count()).select_from(both).where(*conditions)).scalar_one())

    def exceeds_real_time(self, listener: bytes, now_ms: int, db: Connection) -> bool:
        """True if today's vouchered time exceeds the time since today's first ticket.

        A security server lets a listener play in real time only; songs of several servers can be played at once. Such
        a listener gets no rewards until real time has caught up.

        Args:
            listener: Their address at this station.
            now_ms: The chain's time, Unix ms.
            db: The transaction that writes the next ticket.
        """
        rows = db.execute(self._today(listener, now_ms)).all()
        if not rows:
            return False
        heard_ms = sum(row.vouchered_intervals * row.interval_s * 1000 // ticket_row(row).fastest for row in rows)
        return bool(heard_ms > now_ms - min(row.issued_ms for row in rows) + LISTENER_LEAD_MS)

    def rewards_today(self, listener: bytes, now_ms: int, db: Connection | None = None) -> int:
        """Rewards of today's tickets, wei: vouchered intervals, and the whole song of a play that may still continue.

        A play is over when its ticket has ended and a later ticket of the listener has vouchered intervals: the server
        counts a listener's intervals in order.

        Args:
            listener: Their address at this station.
            now_ms: The chain's time, Unix ms.
            db: The transaction that writes the next ticket; None: a new one.
        """
        if db is None:
            with self._engine.begin() as own_db:
                return self.rewards_today(listener, now_ms, own_db)
        rows = db.execute(self._today(listener, now_ms)).all()
        last: dict[bytes, int] = {}
        for row in rows:
            if row.vouchered_intervals:
                last[row.server] = max(last.get(row.server, 0), row.issued_ms)
        total = 0
        for row in rows:
            over = row.expiry_s * 1000 <= last.get(row.server, 0)
            whole = row.max_intervals if row.song_intervals is None else row.song_intervals
            total += (row.vouchered_intervals if over else max(row.vouchered_intervals, whole)) * int(row.reward_wei)
        return total

    def _today(self, listener: bytes, now_ms: int) -> sa.Select[Any]:
        """A listener's rewarded tickets of today, each with the intervals of its whole song."""
        both = REWARDED_TICKETS.join(TICKETS, TICKETS.c.number == REWARDED_TICKETS.c.ticket_number).outerjoin(
            LISTENER_TICKETS, LISTENER_TICKETS.c.ticket_number == REWARDED_TICKETS.c.ticket_number
        )
        today = (REWARDED_TICKETS.c.listener == listener, REWARDED_TICKETS.c.unix_day == now_ms // 1000 // DAY_S)
        return sa.select(TICKETS, LISTENER_TICKETS.c.song_intervals).select_from(both).where(*today)

    def was_paid(self, listener: bytes, owner: bytes, db: Connection | None = None) -> bool:
        """True if this listener was paid here for a play of this owner's content."""
        if db is None:
            with self._engine.begin() as own_db:
                return self.was_paid(listener, owner, own_db)
        both = REWARDED_TICKETS.join(TICKETS, TICKETS.c.number == REWARDED_TICKETS.c.ticket_number)
        conditions = (
            REWARDED_TICKETS.c.listener == listener,
            REWARDED_TICKETS.c.owner == owner,
            TICKETS.c.vouchered_intervals > 0,
        )
        return (
            db.execute(
                sa.select(REWARDED_TICKETS.c.ticket_number).select_from(both).where(*conditions).limit(1)
            ).first()
            is not None
        )

    def finished_plays(self, now_s: int, limit: int = 500) -> list[tuple[int, PaidPlay]]:
        """Plays that are over and have no points yet, with their ticket numbers, oldest first.

        A play is over after its ticket's end, or when the listener has a newer ticket.

        Args:
            now_s: The chain's time, Unix s.
            limit: Plays to return at most.
        """
        both = REWARDED_TICKETS.join(TICKETS, TICKETS.c.number == REWARDED_TICKETS.c.ticket_number)
        later = REWARDED_TICKETS.alias()
        newer = sa.exists().where(
            later.c.listener == REWARDED_TICKETS.c.listener, later.c.ticket_number > REWARDED_TICKETS.c.ticket_number
        )
        over = sa.or_(TICKETS.c.expiry_s + HOLD_S < now_s, sa.and_(newer, TICKETS.c.vouchered_intervals > 0))
        query = (
            sa.select(TICKETS, REWARDED_TICKETS.c.listener, REWARDED_TICKETS.c.owner)
            .select_from(both)
            .where(sa.not_(REWARDED_TICKETS.c.points_given), over)
        )
        with self._engine.begin() as db:
            rows = db.execute(query.order_by(TICKETS.c.number).limit(limit)).all()
        return [
            (
                row.number,
                PaidPlay(
                    bytes(row.listener),
                    bytes(row.content),
                    bytes(row.owner),
                    row.vouchered_intervals * row.interval_s,
                    row.issued_ms // 1000,
                ),
            )
            for row in rows
        ]

    def mark_awarded(self, numbers: Iterable[int]) -> None:
        """Mark these tickets as counted in the reward book."""
        with self._engine.begin() as db:
            db.execute(
                sa.update(REWARDED_TICKETS)
                .where(REWARDED_TICKETS.c.ticket_number.in_(list(numbers)))
                .values(points_given=True)
            )
