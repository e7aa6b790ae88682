"""The station's ledger: tickets issued, statements received, vouchers signed.

Everything is written before it leaves the station: a ticket's number before the ticket is answered, a voucher before
it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from pywallet.errors import GomaaError, Refusal
from pywallet.settlement import gross
from station.db.database import open_engine
from station.db.inserts import insert
from station.db.payments import PaymentLedger
from station.db.rows import FIRST_HOLD, UNPLAYED_S, TicketRow, ticket_row
from station.db.tables import TICKETS
from station.db.versions import prepare

HOLD_S = 60
"""Seconds after a ticket's end in which plays under it may still arrive, so its escrow is still held."""
LONGEST_PLAY_MS = 7_200_000
"""Time after its issue in which a ticket's play is looked for, ms."""
NUMBERS_FROM_MS = 1_735_689_600_000
NUMBER_MS = 250
"""Ticket numbers are at least the quarters of a second since 2025-01-01 UTC: see ``Store._next``."""


class ListenerRules(Protocol):
    """Limits and rewards of a ticket's listener, applied in the transaction that writes the ticket."""

    def approve(self, db: Connection, ticket: TicketRow) -> TicketRow:
        """The ticket with the reward that the listener may get.

        Raises:
            Refusal: ``station.busy``.
        """

    def record(self, db: Connection, number: int, ticket: TicketRow) -> None:
        """Write the listener's row of this ticket."""


class Store(PaymentLedger):
    """Tickets and payments in one database. Methods block for one short transaction; call them from a thread.

    Args:
        url: The database's SQLAlchemy URL.

    Raises:
        GomaaError: ``station.database.old``, ``station.database.version``.
        InputError: ``message.schema``: no database URL.
    """

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._reading = self._engine.execution_options(reading=True)
        try:
            prepare(self._engine)
        except BaseException:
            self._engine.dispose()
            raise

    @property
    def engine(self) -> Engine:
        """The database."""
        return self._engine

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    # tickets

    def issue(
        self, ticket: TicketRow, usable: int, spent: int, per_minute: int, rules: ListenerRules | None = None
    ) -> int:
        """Write a ticket and return its number.

        One transaction reads the holds and writes the ticket: concurrent requests cannot both spend the last of the
        escrow, nor both stay under a listener's cap.

        Args:
            ticket: The ticket to sign; its number is ignored.
            usable: Escrow of this station at this server on the chain, less requested withdrawals, wei.
            spent: Cumulative debit on the chain there, wei.
            per_minute: Tickets per session and minute.
            rules: Rules of the ticket's listener; the ticket is written as ``rules.approve`` returns it.

        Raises:
            Refusal: ``station.busy``, ``station.escrow.short``.
        """
        with self._engine.begin() as db:
            recent = db.execute(
                sa.select(sa.func.count())
                .select_from(TICKETS)
                .where(TICKETS.c.session_digest == ticket.session, TICKETS.c.issued_ms > ticket.issued_ms - 60_000)
            ).scalar_one()
            if recent >= per_minute:
                raise Refusal("station.busy", per_minute=per_minute)
            if rules is not None:
                ticket = rules.approve(db, ticket)
            if ticket.outstanding:
                left = usable - max(0, self._cap(db, ticket.server) - spent) - self._held(db, ticket)
                if left < 0:
                    raise Refusal("station.escrow.short", short_wei=-left)
            number = self._next(db, ticket.issued_ms)
            self._use_number(db, number)
            made = write_ticket(db, replace(ticket, number=number))
            if rules is not None:
                rules.record(db, made, ticket)
            return made

    def rebuild(self, rows: Iterable[TicketRow]) -> None:
        """Write tickets that were issued here and lost; those that are present stay as they are."""
        with self._engine.begin() as db:
            for row in rows:
                if db.execute(sa.select(TICKETS.c.number).where(TICKETS.c.number == row.number)).first() is None:
                    write_ticket(db, row)

    def _next(self, db: Connection, issued_ms: int) -> int:
        """The next ticket's number: above every stored number, and not below a number derived from the time.

        After a loss of the database the numbers in use are unknown. At up to four tickets a second on average since
        2025, all of them are below the derived one.
        """
        return max(self._last_number(db) + 1, (issued_ms - NUMBERS_FROM_MS) // NUMBER_MS)

    def _held(self, db: Connection, new: TicketRow) -> int:
        """Gross wei that the open tickets hold and the new one can cost, at the highest commission among them."""
        open_ = _open_tickets(db, new.server, new.issued_ms)
        held = sum(count * row.held(new.issued_ms) for row, count in open_)
        return gross(new.outstanding + held, max([new.bps, *(row.bps for row, _ in open_)]))

    def tickets(self, numbers: Iterable[int]) -> dict[int, TicketRow]:
        """The tickets of these numbers that were issued here."""
        wanted = list(numbers)
        rows: dict[int, TicketRow] = {}
        with self._reading.connect() as db:
            for start in range(0, len(wanted), 500):
                query = sa.select(TICKETS).where(TICKETS.c.number.in_(wanted[start : start + 500]))
                rows |= {row.number: ticket_row(row) for row in db.execute(query)}
        return rows

    def servers(self) -> set[bytes]:
        """Addresses of all servers that tickets name."""
        servers: set[bytes] = set()
        # One step along the index for each server: DISTINCT reads every ticket.
        after, query = b"", sa.select(sa.func.min(TICKETS.c.server)).where(TICKETS.c.server > sa.bindparam("after"))
        with self._reading.connect() as db:
            while (server := db.execute(query, {"after": after}).scalar()) is not None:
                after = bytes(server)
                servers.add(after)
        return servers

    def plays(self, since_ms: int, limit: int) -> tuple[int, list[TicketRow]]:
        """The number of tickets issued since a time (Unix ms), and the latest of them, newest first."""
        newer = TICKETS.c.issued_ms >= since_ms
        with self._reading.connect() as db:
            count = db.execute(sa.select(sa.func.count()).select_from(TICKETS).where(newer)).scalar_one()
            rows = db.execute(sa.select(TICKETS).where(newer).order_by(TICKETS.c.number.desc()).limit(limit)).all()
        return int(count), [ticket_row(row) for row in rows]

    def first_issued_ms(self) -> int | None:
        """When the oldest ticket was issued, Unix ms; None without tickets."""
        with self._reading.connect() as db:
            found = db.execute(sa.select(sa.func.min(TICKETS.c.issued_ms))).scalar()
        return None if found is None else int(found)

    def playing(self, now_ms: int) -> int:
        """The number of listeners' sessions with a ticket whose vouchered time keeps up with the time since its issue.

        A play that was paused or stopped drops out within two intervals and ``UNPLAYED_S``.

        Args:
            now_ms: The chain's time, Unix ms.
        """
        slack = (TICKETS.c.vouchered_intervals + FIRST_HOLD) * TICKETS.c.interval_s + UNPLAYED_S
        here = (
            TICKETS.c.issued_ms > now_ms - LONGEST_PLAY_MS,
            TICKETS.c.expiry_s > now_ms // 1000,
            TICKETS.c.issued_ms + 1000 * slack > now_ms,
        )
        query = sa.select(sa.func.count(sa.distinct(TICKETS.c.session_digest))).where(*here)
        with self._reading.connect() as db:
            return int(db.execute(query).scalar_one())

    def outstanding(self, server: bytes, now_s: int) -> tuple[int, int]:
        """The number of open tickets at a server, and the wei before commission that they hold.

        Args:
            server: Its address, 20 bytes.
            now_s: The chain's time, Unix s.
        """
        with self._reading.connect() as db:
            open_ = _open_tickets(db, server, now_s * 1000)
        return sum(count for _, count in open_), sum(count * row.held(now_s * 1000) for row, count in open_)


def _open_tickets(db: Connection, server: bytes, now_ms: int) -> list[tuple[TicketRow, int]]:
    """Open tickets at a server: one of each kind that holds the same amount, and the number of its kind.

    Every new ticket asks for what the others hold: the database counts thousands of them in the time in which Python
    reads a few rows.
    """
    kinds = (TICKETS.c.price_wei, TICKETS.c.reward_wei, TICKETS.c.commission_bps, TICKETS.c.interval_s)
    counts = (TICKETS.c.max_intervals, TICKETS.c.vouchered_intervals)
    may_begin = TICKETS.c.issued_ms > now_ms - 1000 * (FIRST_HOLD * TICKETS.c.interval_s + UNPLAYED_S)
    first = (
        sa.select(sa.func.min(TICKETS.c.number).label("number"), sa.func.count().label("of_kind"))
        .where(TICKETS.c.server == server, TICKETS.c.expiry_s > now_ms // 1000 - HOLD_S)
        .group_by(*kinds, *counts, may_begin)
        .subquery()
    )
    query = sa.select(TICKETS, first.c.of_kind).join(first, first.c.number == TICKETS.c.number)
    return [(ticket_row(row), row.of_kind) for row in db.execute(query)]


def write_ticket(db: Connection, ticket: TicketRow) -> int:
    """Write a ticket with its number, inside a transaction.

    Raises:
        GomaaError: ``internal``: the numbers are used up.
    """
    if ticket.number >= 1 << 32:
        raise GomaaError("internal", reason="ticket numbers are used up")
    return insert(
        db,
        TICKETS,
        {
            "number": ticket.number,
            "server": ticket.server,
            "content": ticket.content,
            "session_digest": ticket.session,
            "issued_ms": ticket.issued_ms,
            "expiry_s": ticket.expiry_s,
            "interval_s": ticket.interval_s,
            "price_wei": str(ticket.price),
            "reward_wei": str(ticket.reward),
            "commission_bps": ticket.bps,
            "max_intervals": ticket.max_intervals,
            "vouchered_intervals": ticket.vouchered,
            "settled_intervals": ticket.settled,
            "agreed_commission_bps": ticket.agreed_bps,
        },
    )
