"""Resynchronisation with a payer by exchange of signed messages (docs/protocol.md, Resynchronisation)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select, update

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
)
from security_server.billing.accounts import account
from security_server.billing.settling import Settling
from security_server.billing.statements import MOST_LINES
from security_server.db.queries import get
from security_server.db.tables import (
    lines,
    payers,
    sessions,
    tickets,
)

_CHUNK: Final = 500


@dataclass(frozen=True)
class Acknowledged:
    """What was settled of some tickets by ``epoch``, before it is signed. ``spent``: cumulative gross settled, wei."""

    epoch: int
    spent: int
    lines: tuple[SettledLine, ...]


def acknowledge(connection: Connection, payer: bytes, numbers: Collection[int], at: Settling) -> Acknowledged:
    """What was settled of a payer's tickets, by ticket number and epoch."""
    found: list[SettledLine] = []
    wanted = sorted(set(numbers))
    for start in range(0, len(wanted), _CHUNK):
        query = (
            select(lines.c.number, lines.c.epoch, lines.c.settled_intervals)
            .join(tickets, tickets.c.id == lines.c.ticket)
            .where(tickets.c.payer == payer, tickets.c.number.in_(wanted[start : start + _CHUNK]))
        )
        found += [SettledLine(row.number, row.epoch, row.settled_intervals) for row in connection.execute(query)]
    found.sort(key=lambda line: (line.number, line.epoch))
    spent = account(connection, payer, at.epoch, at.money, at.mark).settled(at.money.bps)
    return Acknowledged(at.epoch, spent, tuple(found))


def own_acknowledgement(shown: Mapping[str, Any], domain: Domain, server: bytes, payer: bytes) -> list[SettledLine]:
    """The lines of an acknowledgement that this server has signed.

    Args:
        shown: {statement, lines: [[number, epoch, intervals]…]}, as this server gave it.
        domain: the settlement's EIP-712 domain.
        server: this server's address, 20 bytes.
        payer: who shows it, 20 bytes.

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


def adopt(connection: Connection, payer: bytes, debited: Sequence[SettledLine]) -> None:
    """Count intervals as settled that this server acknowledged in epochs which the chain has debited.

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
            connection.execute(
                update(tickets)
                .where(tickets.c.id == ticket["id"])
                .values(vouchered_intervals=total, unvouchered_intervals=left)
            )


@dataclass(frozen=True)
class Shown:
    """What these books show a payer.

    Its voucher with the highest cap (cap, until, signature), its tickets that owe something with
    their sessions, and the highest number among its tickets.
    """

    voucher: tuple[int, int, bytes] | None
    tickets: tuple[Mapping[str, Any], ...]
    sessions: Mapping[bytes, Signed[Session]]
    last_number: int


def show(connection: Connection, payer: bytes) -> Shown:
    """Read what a payer needs to continue after it lost its database."""
    row = get(connection, payers, payer=payer)
    voucher = (row["cap"], row["until"], row["signature"]) if row is not None and row["signature"] else None
    due = (
        select(tickets)
        .where(tickets.c.payer == payer, tickets.c.unvouchered_intervals > 0)
        .order_by(tickets.c.number)
        .limit(MOST_LINES)
    )
    found = tuple(dict(ticket) for ticket in connection.execute(due).mappings())
    last = connection.execute(select(func.max(tickets.c.number)).where(tickets.c.station_address == payer)).scalar()
    shown: dict[bytes, Signed[Session]] = {}
    for identity in {ticket["session"] for ticket in found if ticket["station_address"] != payer}:
        one = get(connection, sessions, id=identity)
        if one is not None:
            parties = (one["station_address"], one["listener"], one["device"], one["payee"])
            shown[identity] = Signed(Session(*parties, one["not_before_s"], one["not_after_s"]), one["signature"])
    return Shown(voucher, found, shown, last or 0)


def ticket_of(row: Mapping[str, Any], server: bytes) -> Signed[Ticket]:
    """A station's ticket as it signed it, from the server's row of it."""
    names = ("content", "session", "number", "price", "reward", "bps")
    return Signed(
        Ticket(
            server=server, station=row["station_address"], expiry=row["expiry_s"], **{name: row[name] for name in names}
        ),
        row["signature"],
    )
