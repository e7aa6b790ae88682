"""Statements: what a payer owes, line by line (docs/protocol.md, Statements)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pywallet.protocol import StatementLine
from pywallet.settlement import gross
from security_server.billing.accounts import OWING, AccountBase, account, affordable
from security_server.billing.fair_slots import EpochBounds, room, totals
from security_server.chain.money import Money
from security_server.db.connection import Connection

MOST_LINES: Final = 2_000
"""Lines of one statement; the rest comes in the next."""


@dataclass(frozen=True)
class StatementDraft:
    """A statement before it is signed.

    Attributes:
        epoch: The running epoch.
        spent: ``settled`` and the gross of the lines, wei.
        lines: What is owed, by ticket number.
        settled: Cumulative gross that was settled, wei.
        net: Net that was settled in ``epoch``, wei.
        counts: Ticket number to its settled intervals, for each line.
        waiting: Error code of why not everything owed is stated, or None.
    """

    epoch: int
    spent: int
    lines: tuple[StatementLine, ...]
    settled: int = 0
    net: int = 0
    counts: Mapping[int, int] = field(default_factory=dict)
    waiting: str | None = None


def draft_statement(
    connection: Connection,
    payer: bytes,
    epoch: int,
    money: Money,
    bond: int,
    slots: EpochBounds | None = None,
    disputed: Collection[int] = (),
    reread_for: AccountBase | None = None,
) -> StatementDraft:
    """Draft a payer's statement: what was settled, and the lines that still fit into the running epoch.

    Lines are cut to what the payer's escrow, its share of the epoch and the server's bond still cover; the rest is left
    to a later statement.

    Args:
        connection: Of a transaction of its own.
        payer: 20 bytes.
        epoch: The running epoch in this transaction.
        money: The payer's escrow on the chain, with the epoch's commission.
        bond: The bond that backs receipts, wei; 0 while the server retires.
        slots: Bounds of an epoch.
        disputed: Ticket numbers that the payer does not agree to: they are stated last.
        reread_for: See ``account``.

    Raises:
        StaleAccount: The chain's value has to be read again.
    """
    slots = slots or EpochBounds()
    payer_account = account(connection, payer, epoch, money, reread_for)
    owing = list(connection.group(OWING, payer).rows.values())
    wanted = sum(row["unvouchered_intervals"] * _each(row) for row in owing)
    station = not owing or owing[0]["station_address"] == payer
    sums = totals(connection, epoch)
    left = room(connection, epoch, payer, station, payer_account.net or None, bond, wanted, slots, sums)
    left = min(left, affordable(money, payer_account.unposted, payer_account.net))
    lines: list[StatementLine] = []
    counts: dict[int, int] = {}
    net = 0
    for ticket in sorted(owing, key=lambda row: (row["number"] in disputed, row["number"])):
        new = min(ticket["unvouchered_intervals"], (left - net) // _each(ticket))
        if new and len(lines) < MOST_LINES:
            net += new * _each(ticket)
            counts[ticket["number"]] = ticket["vouchered_intervals"]
            names = ("number", "content", "session", "price", "reward")
            lines.append(
                StatementLine(intervals=ticket["vouchered_intervals"] + new, **{name: ticket[name] for name in names})
            )
    waiting = None
    if lines and gross(payer_account.net + net, money.bps) < slots.least_wei:
        lines, counts, net, waiting = [], {}, 0, "statement.minimum"
    elif net < wanted:
        waiting = (
            "server.epoch.full"
            if left - net < affordable(money, payer_account.unposted, payer_account.net + net)
            else _escrow_code(station)
        )
    lines.sort(key=lambda line: line.number)
    # On sums, as the contract computes it.
    spent = payer_account.before + gross(payer_account.net + net, money.bps)
    return StatementDraft(
        epoch, spent, tuple(lines), payer_account.settled(money.bps), payer_account.net, counts, waiting
    )


def _each(ticket: Mapping[str, Any]) -> int:
    return int(ticket["price"] + ticket["reward"])


def _escrow_code(station: bool) -> str:
    return "station.escrow.short" if station else "listener.escrow.short"


def owed_contents(connection: Connection, payer: bytes) -> set[bytes]:
    """Contents for which a payer owes something: their owners in the epoch are needed to settle a voucher."""
    return {ticket["content"] for ticket in connection.group(OWING, payer).rows.values()}
