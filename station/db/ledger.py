"""The station's ledger: tickets issued, statements seen, vouchers signed. SQLAlchemy Core.

Everything that leaves the station is in here first: a ticket's number before
the ticket is answered, a voucher before it is sent. Amounts are wei as decimal
text, since SQL integers end at 2^63.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.policy import FASTEST
from pywallet.settlement import gross
from station.db.payments import METADATA, Ledger, insert
from station.db.schema import make_tables

HOLD_S = 60
"""Seconds after a ticket's end in which plays under it may still arrive, so its escrow is still held."""
NUMBERS_FROM_MS = 1_735_689_600_000
NUMBER_MS = 250
"""Ticket numbers are at least the quarters of a second since 2025-01-01 UTC: see ``Store._next``."""

FIRST_HOLD = 2
"""Intervals that a ticket holds before it was ever vouchered, and the least that it holds afterwards."""

UNPLAYED_S = 60
"""Without a voucher a ticket holds for ``FIRST_HOLD`` intervals and so many seconds, then nothing."""

_tickets = sa.Table(
    "tickets",
    METADATA,
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
    # Intervals signed for; of those, the ones that the server has acknowledged as settled; the commission at which they
    # are valued.
    sa.Column("vouchered", sa.Integer, nullable=False, server_default="0"),
    sa.Column("settled", sa.Integer, nullable=False, server_default="0"),
    sa.Column("agreed_bps", sa.Integer, nullable=False, server_default="0"),
    sa.Index("tickets_session", "session", "issued_ms"),
    sa.Index("tickets_open", "server", "expiry_s"),
    sa.Index("tickets_time", "issued_ms"),
    sqlite_autoincrement=True,
)


TICKETS = _tickets
"""For joins beside this file; written here only."""


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One ticket as issued.

    ``worst``: intervals it can cost at most; ``vouchered``: intervals signed
    for so far; ``settled``: those that the server acknowledged;
    ``agreed_bps``: the highest commission at which they are valued.
    """

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
    settled: int = 0
    agreed_bps: int = 0

    @property
    def fastest(self) -> int:
        """How much faster than the clock this ticket's song may be heard, as it was reckoned with when the ticket was
        issued.
        """
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


class IssueBook(Protocol):
    """What else belongs into the transaction that writes a ticket: whose it is, and what it may promise them."""

    def promise(self, db: Connection, ticket: TicketRow) -> TicketRow:
        """The ticket as it may be signed. Raises Refusal ``station.busy``."""

    def note(self, db: Connection, number: int, ticket: TicketRow) -> None:
        """Keep what was promised under this number."""


class Store(Ledger):
    """The ticket log, and with it the ledger. Methods block for one short transaction; call them from a thread."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._reading = self._engine.execution_options(reading=True)
        try:
            make_tables(self._engine, METADATA)
        except BaseException:
            self._engine.dispose()
            raise

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
            number = self._next(db, ticket.issued_ms)
            self._use_number(db, number)
            made = write_ticket(db, replace(ticket, number=number))
            if book is not None:
                book.note(db, made, ticket)
            return made

    def rebuild(self, rows: Iterable[TicketRow]) -> None:
        """Write tickets down that were issued here and then lost; those that are known stay as they are."""
        with self._engine.begin() as db:
            for row in rows:
                if db.execute(sa.select(_tickets.c.number).where(_tickets.c.number == row.number)).first() is None:
                    write_ticket(db, row)

    def _next(self, db: Connection, issued_ms: int) -> int:
        """The next ticket's number: above all that are known, and never below what the time says.

        A station that lost its books, or a part of them, cannot know which
        numbers it has given out. Up to four a second on average since 2025,
        they all lie below the one that the time gives.
        """
        return max(self._last_number(db) + 1, (issued_ms - NUMBERS_FROM_MS) // NUMBER_MS)

    def _held(self, db: Connection, new: TicketRow) -> int:
        """Gross wei that the open tickets hold and the new one may cost, at the highest rate among them."""
        open_ = db.execute(
            sa.select(_tickets).where(
                _tickets.c.server == new.server, _tickets.c.expiry_s > new.issued_ms // 1000 - HOLD_S
            )
        ).all()
        rows = [*map(ticket_row, open_)]
        held = sum(row.held(new.issued_ms) for row in rows)
        return gross(new.outstanding + held, max(row.bps for row in (new, *rows)))

    def tickets(self, numbers: Iterable[int]) -> dict[int, TicketRow]:
        """The tickets of these numbers that were issued here."""
        wanted = list(numbers)
        found: dict[int, TicketRow] = {}
        with self._reading.connect() as db:
            for start in range(0, len(wanted), 500):
                query = sa.select(_tickets).where(_tickets.c.number.in_(wanted[start : start + 500]))
                found |= {row.number: ticket_row(row) for row in db.execute(query)}
        return found

    def servers(self) -> set[bytes]:
        """Every server that tickets name."""
        found: set[bytes] = set()
        # One step along the index for each server: DISTINCT reads every ticket.
        after, query = b"", sa.select(sa.func.min(_tickets.c.server)).where(_tickets.c.server > sa.bindparam("after"))
        with self._reading.connect() as db:
            while (server := db.execute(query, {"after": after}).scalar()) is not None:
                after = bytes(server)
                found.add(after)
        return found

    def plays(self, since_ms: int, limit: int) -> tuple[int, list[TicketRow]]:
        """How many tickets were issued since then, and the latest of them, newest first."""
        newer = _tickets.c.issued_ms >= since_ms
        with self._reading.connect() as db:
            count = db.execute(sa.select(sa.func.count()).select_from(_tickets).where(newer)).scalar_one()
            rows = db.execute(sa.select(_tickets).where(newer).order_by(_tickets.c.number.desc()).limit(limit)).all()
        return int(count), [ticket_row(row) for row in rows]

    def outstanding(self, server: bytes, now_s: int) -> tuple[int, int]:
        """How many tickets at this server are open, and the wei before commission that they hold."""
        query = sa.select(_tickets).where(_tickets.c.server == server, _tickets.c.expiry_s > now_s - HOLD_S)
        with self._reading.connect() as db:
            rows = [ticket_row(row) for row in db.execute(query)]
        return len(rows), sum(row.held(now_s * 1000) for row in rows)


def ticket_row(row: Any) -> TicketRow:
    """A row of the table ``tickets`` as a ticket."""
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
        row.settled,
        row.agreed_bps,
    )


def write_ticket(db: Connection, ticket: TicketRow) -> int:
    """Write a ticket with its number, inside a transaction. Raises ``internal`` when the numbers are used up."""
    if ticket.number >= 1 << 32:
        raise GomaaError("internal", reason="ticket numbers are used up")
    row = {name: getattr(ticket, name) for name in TicketRow.__slots__}
    return insert(db, _tickets, row | {"price": str(ticket.price), "reward": str(ticket.reward)})


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
