"""Resynchronisation with a payer by exchange of signed messages (docs/protocol.md, Resynchronisation)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select

from messages.settlement import AcknowledgementResult
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.protocol import (
    Domain,
    Session,
    SettledLine,
    Signed,
    Statement,
    Ticket,
    require_signer,
    settled_lines_hash,
    sign,
)
from security_server.billing.accounts import account
from security_server.billing.epoch_facts import EpochFacts
from security_server.billing.statements import MOST_LINES
from security_server.config import Keys
from security_server.db.connection import Connection
from security_server.db.queries import change, get
from security_server.db.tables import (
    lines,
    payers,
    sessions,
    tickets,
)

_CHUNK: Final = 500


@dataclass(frozen=True)
class Acknowledgement:
    """What was settled of some tickets.

    Attributes:
        epoch: The running epoch.
        spent: Cumulative gross settled, wei.
        lines: The settled lines, by number and epoch.
    """

    epoch: int
    spent: int
    lines: tuple[SettledLine, ...]

    def signed(self, payer: bytes, keys: Keys, domain: Domain) -> AcknowledgementResult:
        """Sign it for a payer, 20 bytes."""
        lines = settled_lines_hash(self.lines)
        message = Statement(server=keys.address, payer=payer, epoch=self.epoch, spent=self.spent, lines=lines)
        rows = [(line.number, line.epoch, line.intervals) for line in self.lines]
        return AcknowledgementResult(statement=sign(message, domain, keys.signing).to_json(), lines=rows)


def acknowledge(connection: Connection, payer: bytes, numbers: Collection[int], facts: EpochFacts) -> Acknowledgement:
    """What was settled of a payer's tickets, by ticket number and epoch."""
    settled: list[SettledLine] = []
    wanted = sorted(set(numbers))
    for start in range(0, len(wanted), _CHUNK):
        query = (
            select(lines.c.number, lines.c.epoch, lines.c.settled_intervals)
            .join(tickets, tickets.c.id == lines.c.ticket)
            .where(tickets.c.payer == payer, tickets.c.number.in_(wanted[start : start + _CHUNK]))
        )
        settled += [SettledLine(row.number, row.epoch, row.settled_intervals) for row in connection.execute(query)]
    settled.sort(key=lambda line: (line.number, line.epoch))
    spent = account(connection, payer, facts.epoch, facts.money, facts.reread_for).settled(facts.money.bps)
    return Acknowledgement(facts.epoch, spent, tuple(settled))


def own_acknowledgement(shown: Mapping[str, Any], domain: Domain, server: bytes, payer: bytes) -> list[SettledLine]:
    """The lines of an acknowledgement that this server has signed.

    Args:
        shown: {statement, lines: [[number, epoch, intervals]…]}, as this server signed it.
        domain: The settlement's EIP-712 domain.
        server: This server's address, 20 bytes.
        payer: The payer that shows it, 20 bytes.

    Raises:
        Refusal: ``server.mismatch``.
        InputError: ``message.schema``.
    """
    signed = Signed.from_json(Statement, shown.get("statement"))
    try:
        rows = [SettledLine(int(number), int(epoch), int(intervals)) for number, epoch, intervals in shown["lines"]]
        hashed = settled_lines_hash(rows)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError("message.schema", field="lines") from None
    try:
        require_signer(signed, domain, server, "server.mismatch")
    except GomaaError:
        raise Refusal("server.mismatch", reason="signature") from None
    if (signed.message.server, signed.message.payer, signed.message.lines) != (server, payer, hashed):
        raise Refusal("server.mismatch", reason="lines")
    return rows


def count_acknowledged(connection: Connection, payer: bytes, debited: Sequence[SettledLine]) -> None:
    """Count intervals as settled that this server has acknowledged in epochs that the chain has debited.

    A database restored from a backup lacks them. Idempotent.
    """
    by_number: dict[int, dict[int, int]] = defaultdict(dict)
    for line in debited:
        by_number[line.number][line.epoch] = max(line.intervals, by_number[line.number].get(line.epoch, 0))
    for number, shown in by_number.items():
        ticket = get(connection, tickets, payer=payer, number=number)
        if ticket is None:
            continue
        own = {
            row.epoch: row.settled_intervals
            for row in connection.execute(select(lines).where(lines.c.ticket == ticket["id"]))
        }
        total = sum(max(shown.get(epoch, 0), own.get(epoch, 0)) for epoch in {*shown, *own})
        if total > ticket["vouchered_intervals"]:
            left = max(0, ticket["heard_intervals"] - total) if ticket["unvouchered_intervals"] else 0
            changed = {"vouchered_intervals": total, "unvouchered_intervals": left}
            change(connection, tickets, {"id": ticket["id"]}, **changed)


@dataclass(frozen=True)
class PayerBooks:
    """What the database holds of a payer.

    Attributes:
        voucher: Cap, last epoch and signature of its voucher with the highest cap, or None.
        tickets: Rows of its tickets that owe something.
        sessions: Their sessions by id, where the payer is the listener.
        last_number: Highest number among its tickets; 0: none.
    """

    voucher: tuple[int, int, bytes] | None
    tickets: tuple[Mapping[str, Any], ...]
    sessions: Mapping[bytes, Signed[Session]]
    last_number: int


def read_payer_books(connection: Connection, payer: bytes) -> PayerBooks:
    """Read what a payer needs to continue after it lost its database."""
    row = get(connection, payers, payer=payer)
    voucher = (row["cap"], row["until"], row["signature"]) if row is not None and row["signature"] else None
    owing = (
        select(tickets)
        .where(tickets.c.payer == payer, tickets.c.unvouchered_intervals > 0)
        .order_by(tickets.c.number)
        .limit(MOST_LINES)
    )
    rows = tuple(dict(ticket) for ticket in connection.execute(owing).mappings())
    last = connection.execute(select(func.max(tickets.c.number)).where(tickets.c.station_address == payer)).scalar()
    signed: dict[bytes, Signed[Session]] = {}
    for identity in {ticket["session"] for ticket in rows if ticket["station_address"] != payer}:
        session = get(connection, sessions, id=identity)
        if session is not None:
            parties = (session["station_address"], session["listener"], session["device"], session["payee"])
            message = Session(*parties, session["not_before_s"], session["not_after_s"])
            signed[identity] = Signed(message, session["signature"])
    return PayerBooks(voucher, rows, signed, last or 0)


def ticket_of(row: Mapping[str, Any], server: bytes) -> Signed[Ticket]:
    """A station's ticket as it signed it, from the server's row of it."""
    names = ("content", "session", "number", "price", "reward", "bps")
    return Signed(
        Ticket(
            server=server, station=row["station_address"], expiry=row["expiry_s"], **{name: row[name] for name in names}
        ),
        row["signature"],
    )
