"""Who earned what: the link from a ticket to the address a listener has at this station, kept for caps and points only."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from pywallet.rewards import Heard
from pywallet.rewards.rules import DAY_S
from station.store import HOLD_S, TICKETS

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
)


class Listening:
    """One row for each ticket of a listener who wants rewards. Methods block for one short transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        _meta.create_all(engine)

    def note(self, number: int, listener: bytes, owner: bytes, now_s: int) -> None:
        """Link a ticket, before it is answered."""
        with self._engine.begin() as db:
            db.execute(sa.insert(_heard).values(number=number, listener=listener, owner=owner, day=now_s // DAY_S))

    def earned(self, listener: bytes, now_ms: int) -> int:
        """Wei of today: what vouchers were signed for, and what the newest ticket may have come to since the last one."""
        both = _heard.join(TICKETS, TICKETS.c.number == _heard.c.number)
        today = (_heard.c.listener == listener, _heard.c.day == now_ms // 1000 // DAY_S)
        with self._engine.begin() as db:
            query = sa.select(TICKETS).select_from(both).where(*today).order_by(TICKETS.c.number.desc())
            rows = db.execute(query).all()
        total = 0
        for place, row in enumerate(rows):
            intervals = row.vouchered
            # One listener hears one play at a time: only the newest can be running ahead of its voucher.
            if place == 0 and row.expiry_s * 1000 > now_ms:
                intervals = max(intervals, min(row.worst, (now_ms - row.issued_ms) // (row.interval_s * 1000)))
            total += intervals * int(row.reward)
        return total

    def known(self, listener: bytes, owner: bytes) -> bool:
        """Whether this listener was paid here for a play of this band."""
        both = _heard.join(TICKETS, TICKETS.c.number == _heard.c.number)
        wanted = (_heard.c.listener == listener, _heard.c.owner == owner, TICKETS.c.vouchered > 0)
        with self._engine.begin() as db:
            return db.execute(sa.select(_heard.c.number).select_from(both).where(*wanted).limit(1)).first() is not None

    def finished(self, now_s: int, limit: int = 500) -> list[tuple[int, Heard]]:
        """Plays that are over and not in the book of points yet: by their end, or because the listener plays something newer."""
        both = _heard.join(TICKETS, TICKETS.c.number == _heard.c.number)
        later = _heard.alias()
        newer = sa.exists().where(later.c.listener == _heard.c.listener, later.c.number > _heard.c.number)
        over = sa.or_(TICKETS.c.expiry_s + HOLD_S < now_s, sa.and_(newer, TICKETS.c.vouchered > 0))
        query = sa.select(TICKETS, _heard.c.listener, _heard.c.owner).select_from(both).where(sa.not_(_heard.c.fed), over)
        with self._engine.begin() as db:
            rows = db.execute(query.order_by(TICKETS.c.number).limit(limit)).all()
        return [
            (
                row.number,
                Heard(bytes(row.listener), bytes(row.content), bytes(row.owner), row.vouchered * row.interval_s, row.issued_ms // 1000),
            )
            for row in rows
        ]

    def fed(self, numbers: Iterable[int]) -> None:
        """Note that the book has these."""
        with self._engine.begin() as db:
            db.execute(sa.update(_heard).where(_heard.c.number.in_(list(numbers))).values(fed=True))
