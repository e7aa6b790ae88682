"""Whose ticket is whose: by the address a listener has at this station, kept for bounds and points only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from pywallet.rewards import PaidPlay
from pywallet.rewards.points_rules import DAY_S
from station.db.ledger import HOLD_S, TICKETS, ticket_row
from station.db.schema import make_tables

SLACK_MS: Final = 30_000
"""By so much may what was vouchered run ahead of the clock: clocks differ, and one song follows another."""

_meta = sa.MetaData()
_heard = sa.Table(
    "listening",
    _meta,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("listener", sa.LargeBinary(20), nullable=False),
    sa.Column("owner", sa.LargeBinary(20), nullable=False),
    sa.Column("day", sa.Integer, nullable=False),
    sa.Column("fed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("listening_of", "listener", "day"),
    sa.Index("listening_fed", "fed", "number"),
)
_asked = sa.Table(
    "asked",
    _meta,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("listener", sa.LargeBinary(20), nullable=False),
    sa.Column("expiry_s", sa.BigInteger, nullable=False),
    # Intervals of the whole song.
    sa.Column("whole", sa.Integer, nullable=False),
    sa.Index("asked_of", "listener", "expiry_s"),
)

HEARD, ASKED = _heard, _asked
"""For deleting what is old (``station.db.retention``)."""


class Listening:
    """A row for each ticket, another for each that may earn. Methods block for one short transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        make_tables(engine, _meta)

    def note(
        self, db: Connection, number: int, listener: bytes, owner: bytes | None, now_s: int, expiry_s: int, whole: int
    ) -> None:
        """Link a ticket, in the transaction that writes it.

        Args:
            db: Where that transaction is open.
            number: The ticket's.
            listener: Their address at this station.
            owner: The band's address; None: the listener wants no rewards.
            now_s: When, Unix seconds.
            expiry_s: The ticket's end, Unix seconds.
            whole: Intervals of the whole song.
        """
        db.execute(sa.insert(_asked).values(number=number, listener=listener, expiry_s=expiry_s, whole=whole))
        if owner is not None:
            db.execute(sa.insert(_heard).values(number=number, listener=listener, owner=owner, day=now_s // DAY_S))

    def unplayed(self, db: Connection, listener: bytes, now_s: int) -> int:
        """How many tickets of this listener, in any session, may still be played and have nothing vouchered."""
        both = _asked.join(TICKETS, TICKETS.c.number == _asked.c.number)
        wanted = (_asked.c.listener == listener, _asked.c.expiry_s > now_s, TICKETS.c.vouchered == 0)
        return int(db.execute(sa.select(sa.func.count()).select_from(both).where(*wanted)).scalar_one())

    def hurried(self, listener: bytes, now_ms: int, db: Connection) -> bool:
        """Whether more of today's tickets was vouchered than a clock since the first of them has room for.

        One security server holds a listener to one clock; songs of several
        servers, played at once, are several. What was paid so is made up for.

        Args:
            listener: Their address at this station.
            now_ms: Unix milliseconds.
            db: The transaction that writes the next ticket.
        """
        rows = db.execute(self._today(listener, now_ms)).all()
        if not rows:
            return False
        heard_ms = sum(row.vouchered * row.interval_s * 1000 // ticket_row(row).fastest for row in rows)
        return bool(heard_ms > now_ms - min(row.issued_ms for row in rows) + SLACK_MS)

    def earned(self, listener: bytes, now_ms: int, db: Connection | None = None) -> int:
        """Wei of the tickets of today: what vouchers were signed for, and of a play that may go on, the whole song.

        A play is over when its ticket has ended and the listener was vouchered
        for one that was issued afterwards: the server counts no moment of a
        listener that lies before the last one it has counted.

        Args:
            listener: Their address at this station.
            now_ms: Unix milliseconds.
            db: The transaction that writes the next ticket; None: one of its own.
        """
        if db is None:
            with self._engine.begin() as own:
                return self.earned(listener, now_ms, own)
        rows = db.execute(self._today(listener, now_ms)).all()
        last: dict[bytes, int] = {}
        for row in rows:
            if row.vouchered:
                last[row.server] = max(last.get(row.server, 0), row.issued_ms)
        total = 0
        for row in rows:
            over = row.expiry_s * 1000 <= last.get(row.server, 0)
            whole = row.worst if row.whole is None else row.whole
            total += (row.vouchered if over else max(row.vouchered, whole)) * int(row.reward)
        return total

    def _today(self, listener: bytes, now_ms: int) -> sa.Select[Any]:
        """A listener's tickets of today that may earn, each with the intervals of its whole song."""
        both = _heard.join(TICKETS, TICKETS.c.number == _heard.c.number).outerjoin(
            _asked, _asked.c.number == _heard.c.number
        )
        today = (_heard.c.listener == listener, _heard.c.day == now_ms // 1000 // DAY_S)
        return sa.select(TICKETS, _asked.c.whole).select_from(both).where(*today)

    def known(self, listener: bytes, owner: bytes, db: Connection | None = None) -> bool:
        """Whether this listener was paid here for a play of this band."""
        if db is None:
            with self._engine.begin() as own:
                return self.known(listener, owner, own)
        both = _heard.join(TICKETS, TICKETS.c.number == _heard.c.number)
        wanted = (_heard.c.listener == listener, _heard.c.owner == owner, TICKETS.c.vouchered > 0)
        return db.execute(sa.select(_heard.c.number).select_from(both).where(*wanted).limit(1)).first() is not None

    def finished(self, now_s: int, limit: int = 500) -> list[tuple[int, PaidPlay]]:
        """Plays that are over and not in the book of points yet.

        By their end, or because the listener plays something newer.
        """
        both = _heard.join(TICKETS, TICKETS.c.number == _heard.c.number)
        later = _heard.alias()
        newer = sa.exists().where(later.c.listener == _heard.c.listener, later.c.number > _heard.c.number)
        over = sa.or_(TICKETS.c.expiry_s + HOLD_S < now_s, sa.and_(newer, TICKETS.c.vouchered > 0))
        query = (
            sa.select(TICKETS, _heard.c.listener, _heard.c.owner).select_from(both).where(sa.not_(_heard.c.fed), over)
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
                    row.vouchered * row.interval_s,
                    row.issued_ms // 1000,
                ),
            )
            for row in rows
        ]

    def fed(self, numbers: Iterable[int]) -> None:
        """Note that the book has these."""
        with self._engine.begin() as db:
            db.execute(sa.update(_heard).where(_heard.c.number.in_(list(numbers))).values(fed=True))
