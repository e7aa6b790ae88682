"""The station's ledger: tickets issued, statements seen, vouchers signed. SQLAlchemy Core.

Everything that leaves the station is in here first: a ticket's number before
the ticket is answered, a voucher before it is sent. Amounts are wei as decimal
text, since SQL integers end at 2^63.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.policy import FASTEST
from pywallet.settlement import gross

HOLD_S = 60
"""Seconds after a ticket's end in which plays under it may still arrive, so its escrow is still held."""

FIRST_HOLD = 2
"""Intervals that a ticket holds before it was ever vouchered, and the least that it holds afterwards."""

UNPLAYED_S = 60
"""A ticket of which nothing was vouchered holds for ``FIRST_HOLD`` intervals and so many seconds, then nothing until it is played."""

_meta = sa.MetaData()
_tickets = sa.Table(
    "tickets",
    _meta,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("server", sa.LargeBinary(20), nullable=False),
    sa.Column("content", sa.LargeBinary(20), nullable=False),
    sa.Column("session", sa.LargeBinary(32), nullable=False),
    sa.Column("issued_ms", sa.BigInteger, nullable=False),
    sa.Column("expiry_s", sa.BigInteger, nullable=False),
    sa.Column("interval_s", sa.Integer, nullable=False),
    sa.Column("price", sa.String(40), nullable=False),
    sa.Column("reward", sa.String(40), nullable=False),
    sa.Column("bps", sa.Integer, nullable=False),
    sa.Column("worst", sa.Integer, nullable=False),
    sa.Column("vouchered", sa.Integer, nullable=False, server_default="0"),
    sa.Index("tickets_session", "session", "issued_ms"),
    sa.Index("tickets_open", "server", "expiry_s"),
    sa.Index("tickets_time", "issued_ms"),
    sqlite_autoincrement=True,
)
_statements = sa.Table(
    "statements",
    _meta,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("server", sa.LargeBinary(20), nullable=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("spent", sa.String(80), nullable=False),
    sa.Column("lines", sa.Integer, nullable=False),
    sa.Column("code", sa.String(60), nullable=True),
    sa.Column("reason", sa.Text, nullable=True),
    sa.Column("message", sa.Text, nullable=False),
    sa.Index("statements_server", "server", "id"),
)
_vouchers = sa.Table(
    "vouchers",
    _meta,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("server", sa.LargeBinary(20), nullable=False),
    sa.Column("statement", sa.Integer, sa.ForeignKey("statements.id"), nullable=False),
    sa.Column("cap", sa.String(40), nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("sent_ms", sa.BigInteger, nullable=True),
    sa.Index("vouchers_server", "server", "id"),
)


TICKETS = _tickets
"""For joins beside this file; written here only."""


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One ticket as issued. ``worst``: intervals it can cost at most; ``vouchered``: intervals signed for so far."""

    server: bytes
    content: bytes
    session: bytes
    issued_ms: int
    expiry_s: int
    interval_s: int
    price: int
    reward: int
    bps: int
    worst: int
    vouchered: int = 0
    number: int = 0

    @property
    def fastest(self) -> int:
        """How much faster than the clock this ticket's song may be heard, as it was reckoned with when the ticket was issued."""
        return FASTEST if self.worst > max(0, self.expiry_s - self.issued_ms // 1000) // self.interval_s + 1 else 1

    @property
    def outstanding(self) -> int:
        """Wei, before commission, that this ticket may still cost."""
        return max(0, self.worst - self.vouchered) * (self.price + self.reward)

    def held(self, now_ms: int) -> int:
        """Wei, before commission, that this ticket keeps from others now.

        Little before it is played, and for a short time only; then twice what
        was vouchered, so that whoever holds much has heard much. That escrow
        covers each interval is the server's check, before the interval is heard.
        """
        most = FIRST_HOLD + 2 * self.vouchered
        if not self.vouchered and now_ms >= self.issued_ms + (FIRST_HOLD * self.interval_s + UNPLAYED_S) * 1000:
            most = 0
        return min(max(0, self.worst - self.vouchered), most) * (self.price + self.reward)


@dataclass(frozen=True, slots=True)
class VoucherRow:
    """A voucher signed: ``cap`` cumulative gross wei; ``message`` the signed JSON; ``sent_ms`` None until the server took it."""

    id: int
    server: bytes
    cap: int
    until: int
    message: str
    sent_ms: int | None


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A statement seen: agreed when ``code`` is None."""

    id: int
    server: bytes
    time_ms: int
    epoch: int
    spent: int
    lines: int
    code: str | None
    reason: str | None


class IssueBook(Protocol):
    """What else belongs into the transaction that writes a ticket: whose it is, and what it may promise them."""

    def promise(self, db: Connection, ticket: TicketRow) -> TicketRow:
        """The ticket as it may be signed. Raises Refusal ``station.busy``."""

    def note(self, db: Connection, number: int, ticket: TicketRow) -> None:
        """Keep what was promised under this number."""


class Store:
    """The tables above. Methods block for one short transaction; call them from a thread."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._reading = self._engine.execution_options(reading=True)
        _meta.create_all(self._engine)

    @property
    def engine(self) -> Engine:
        """The database, for the tables of others in it."""
        return self._engine

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    # tickets

    def issue(self, ticket: TicketRow, usable: int, spent: int, per_minute: int, book: IssueBook | None = None) -> int:
        """Write a ticket down and return its number.

        One transaction reads what is held and promised and writes the ticket, so two
        requests at once cannot both spend the last of the escrow, nor both stay under a listener's cap.

        Args:
            ticket: what will be signed; its number is ignored.
            usable: wei the chain holds for this station at this server, less what was asked back.
            spent: cumulative wei the chain has debited there.
            per_minute: tickets that one session may have in a minute.
            book: bounds and notes of the ticket's listener; the ticket that is written is the one that it promises.

        Raises:
            Refusal: ``station.busy``, ``station.escrow.short``.
        """
        with self._engine.begin() as db:
            recent = db.execute(
                sa.select(sa.func.count())
                .select_from(_tickets)
                .where(_tickets.c.session == ticket.session, _tickets.c.issued_ms > ticket.issued_ms - 60_000)
            ).scalar_one()
            if recent >= per_minute:
                raise Refusal("station.busy", per_minute=per_minute)
            if book is not None:
                ticket = book.promise(db, ticket)
            if ticket.outstanding:
                left = usable - max(0, self._cap(db, ticket.server) - spent) - self._held(db, ticket)
                if left < 0:
                    raise Refusal("station.escrow.short", short_wei=-left)
            row = {name: getattr(ticket, name) for name in TicketRow.__slots__ if name != "number"}
            row |= {"price": str(ticket.price), "reward": str(ticket.reward)}
            number = _insert(db, _tickets, row)
            if number >= 1 << 32:
                raise GomaaError("internal", reason="ticket numbers are used up")
            if book is not None:
                book.note(db, number, ticket)
            return number

    def _held(self, db: Connection, new: TicketRow) -> int:
        """Gross wei that the open tickets hold and the new one may cost: on the sum, with the highest rate among them."""
        open_ = db.execute(
            sa.select(_tickets).where(_tickets.c.server == new.server, _tickets.c.expiry_s > new.issued_ms // 1000 - HOLD_S)
        ).all()
        rows = [*map(_ticket, open_)]
        return gross(new.outstanding + sum(row.held(new.issued_ms) for row in rows), max(row.bps for row in (new, *rows)))

    def tickets(self, numbers: Iterable[int]) -> dict[int, TicketRow]:
        """The tickets of these numbers that were issued here."""
        wanted = list(numbers)
        found: dict[int, TicketRow] = {}
        with self._reading.connect() as db:
            for start in range(0, len(wanted), 500):
                query = sa.select(_tickets).where(_tickets.c.number.in_(wanted[start : start + 500]))
                found |= {row.number: _ticket(row) for row in db.execute(query)}
        return found

    def servers(self) -> set[bytes]:
        """Every server that tickets name."""
        with self._reading.connect() as db:
            return {bytes(row.server) for row in db.execute(sa.select(_tickets.c.server).distinct())}

    def plays(self, since_ms: int, limit: int) -> tuple[int, list[TicketRow]]:
        """How many tickets were issued since then, and the latest of them, newest first."""
        newer = _tickets.c.issued_ms >= since_ms
        with self._reading.connect() as db:
            count = db.execute(sa.select(sa.func.count()).select_from(_tickets).where(newer)).scalar_one()
            rows = db.execute(sa.select(_tickets).where(newer).order_by(_tickets.c.number.desc()).limit(limit)).all()
        return int(count), [_ticket(row) for row in rows]

    def outstanding(self, server: bytes, now_s: int) -> tuple[int, int]:
        """How many tickets at this server are open, and the wei before commission that they hold."""
        query = sa.select(_tickets).where(_tickets.c.server == server, _tickets.c.expiry_s > now_s - HOLD_S)
        with self._reading.connect() as db:
            rows = [_ticket(row) for row in db.execute(query)]
        return len(rows), sum(row.held(now_s * 1000) for row in rows)

    # statements and vouchers

    def agree(
        self, server: bytes, time_ms: int, epoch: int, spent: int, until: int, intervals: Mapping[int, int], statement: str, voucher: str
    ) -> int:
        """Write an agreed statement, its intervals and its voucher in one transaction; returns the voucher's id."""
        with self._engine.begin() as db:
            values = {"server": server, "time_ms": time_ms, "epoch": epoch, "spent": str(spent), "lines": len(intervals)}
            known = _insert(db, _statements, {**values, "message": statement})
            for number, count in intervals.items():
                db.execute(sa.update(_tickets).where(_tickets.c.number == number).values(vouchered=count))
            row = {"server": server, "statement": known, "cap": str(spent), "until": until, "message": voucher}
            return _insert(db, _vouchers, row)

    def refuse(
        self, server: bytes, time_ms: int, epoch: int, spent: int, lines: int, code: str, reason: Mapping[str, Any], statement: str
    ) -> None:
        """Write a refused statement once: the same one again changes nothing."""
        text = json.dumps({name: str(value) for name, value in reason.items()}, sort_keys=True)
        with self._engine.begin() as db:
            last = db.execute(
                sa.select(_statements).where(_statements.c.server == server).order_by(_statements.c.id.desc()).limit(1)
            ).first()
            if last is not None and (last.code, last.reason) == (code, text):
                return
            values = {"server": server, "time_ms": time_ms, "epoch": min(epoch, (1 << 63) - 1), "spent": str(spent), "lines": lines}
            db.execute(sa.insert(_statements).values(**values, code=code, reason=text, message=statement))

    def sent(self, voucher: int, time_ms: int) -> None:
        """Note that the server took a voucher."""
        with self._engine.begin() as db:
            db.execute(sa.update(_vouchers).where(_vouchers.c.id == voucher).values(sent_ms=time_ms))

    def voucher(self, server: bytes) -> VoucherRow | None:
        """The latest voucher for this server."""
        with self._reading.connect() as db:
            row = db.execute(sa.select(_vouchers).where(_vouchers.c.server == server).order_by(_vouchers.c.id.desc()).limit(1)).first()
        return None if row is None else VoucherRow(row.id, bytes(row.server), int(row.cap), row.until, row.message, row.sent_ms)

    def statements(self, server: bytes, limit: int) -> Sequence[StatementRow]:
        """The latest statements of this server, newest first."""
        columns = [column for column in _statements.c if column.name != "message"]
        query = sa.select(*columns).where(_statements.c.server == server).order_by(_statements.c.id.desc()).limit(limit)
        with self._reading.connect() as db:
            return [
                StatementRow(r.id, bytes(r.server), r.time_ms, r.epoch, int(r.spent), r.lines, r.code, r.reason) for r in db.execute(query)
            ]

    def _cap(self, db: Connection, server: bytes) -> int:
        cap = db.execute(sa.select(_vouchers.c.cap).where(_vouchers.c.server == server).order_by(_vouchers.c.id.desc()).limit(1)).scalar()
        return 0 if cap is None else int(cap)


def _insert(db: Connection, table: sa.Table, values: Mapping[str, Any]) -> int:
    """Insert a row and return its number."""
    key = db.execute(sa.insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _ticket(row: Any) -> TicketRow:
    return TicketRow(
        bytes(row.server),
        bytes(row.content),
        bytes(row.session),
        row.issued_ms,
        row.expiry_s,
        row.interval_s,
        int(row.price),
        int(row.reward),
        row.bps,
        row.worst,
        row.vouchered,
        row.number,
    )


def _engine(url: str) -> Engine:
    """SQLite with a write-ahead log, a sync at every commit and writers in line; other databases serialised."""
    if not url.startswith("sqlite"):
        try:
            return sa.create_engine(url, isolation_level="SERIALIZABLE")
        except (sa.exc.ArgumentError, ValueError):
            # The library's own words may repeat the URL, which may hold a password.
            raise InputError("message.schema", field="database", reason="no database URL") from None
    engine = sa.create_engine(url, connect_args={"check_same_thread": False, "timeout": 30})

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN is deferred: two readers could both become writers
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
