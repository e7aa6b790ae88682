"""Settles vouchers: lines in the running epoch, a debit, and receipts (docs/settlement.md, rules 1 to 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pywallet.errors import Refusal
from pywallet.protocol import Signed, Voucher
from pywallet.settlement import gross
from security_server.billing.accounts import OWING, Account, account, affordable, most_net
from security_server.billing.epoch_facts import EpochFacts
from security_server.billing.fair_slots import add_net, room, totals
from security_server.billing.receipt_signing import IssuedReceipt, issue_receipts
from security_server.db.connection import Connection
from security_server.db.queries import get, put
from security_server.db.tables import debits, payers

Row = Mapping[str, Any]
PART_LINES: Final = 64
"""Lines of one transaction, so that listeners' requests have their turn between two parts of a large voucher."""


@dataclass(frozen=True)
class VoucherOutcome:
    """Result of one part of a voucher.

    Attributes:
        issued: The receipts.
        waiting: Error code of why not all of its lines can be settled, or None.
        is_last: False if more of its lines can be settled, in another transaction.
    """

    issued: list[IssuedReceipt]
    waiting: str | None
    is_last: bool = True


def settle_voucher(
    connection: Connection, voucher: Signed[Voucher], facts: EpochFacts, agreed: Mapping[int, int] | None = None
) -> VoucherOutcome:
    """Settle lines that a voucher covers into the running epoch, in ticket order, and sign the receipts.

    One call settles ``PART_LINES``, and as many more as the statement's minimum needs, so that an epoch never holds
    less than the minimum of a payer; the next call goes on.

    A voucher of an earlier statement counts for what it covers: whole intervals that fit within its cap, the escrow,
    the payer's room in the epoch and the bond are settled, the rest waits. A voucher whose lines were settled already
    gives no receipts, so a repeated request is harmless.

    Args:
        connection: Of a transaction of its own; after a refusal it must be rolled back.
        voucher: Its signature and server are verified already.
        facts: The epoch, its facts and the bounds.
        agreed: Ticket number to whole intervals that the payer agreed to; None (an older payer): everything owed.

    Raises:
        Refusal: Nothing of it can be settled now: ``voucher.cap``, ``voucher.signature`` (it has expired),
            ``station.escrow.short``, ``listener.escrow.short``, ``server.unbonded``, ``server.epoch.full``,
            ``statement.minimum``.
        StaleAccount: The chain's value has to be read again.
    """
    message = voucher.message
    wanted = _wanted(connection, message.payer, facts, agreed)
    if not wanted:
        return VoucherOutcome([], None)
    if message.until < facts.epoch:
        raise Refusal("voucher.signature", reason="until", until=message.until, epoch=facts.epoch)
    payer_account = account(connection, message.payer, facts.epoch, facts.money, facts.reread_for, keep=True)
    station = wanted[0][0]["payer"] == wanted[0][0]["station_address"]
    row = get(connection, debits, epoch=facts.epoch, payer=message.payer)
    asked = sum(new * _each(ticket) for ticket, new in wanted)
    limits = _limits(
        connection, message, payer_account, station, row, asked, min(_each(ticket) for ticket, _ in wanted), facts
    )
    left, waiting = min(limits, key=lambda limit: limit[0])
    settled: list[tuple[Row, int]] = []
    net = 0
    for ticket, owed in wanted:
        new = min(owed, (left - net) // _each(ticket))
        if new > 0:
            settled.append((ticket, new))
            net += new * _each(ticket)
    if not net:
        raise Refusal(waiting, cap=message.cap, settled=payer_account.settled(facts.money.bps), net=asked)
    if gross(payer_account.net + net, facts.money.bps) < facts.slots.least_wei:
        raise Refusal("statement.minimum", least_wei=str(facts.slots.least_wei))
    waits = waiting if net < asked else None
    part, net = _part(settled, payer_account.net, facts)
    values: dict[str, Any] = {"net": payer_account.net + net, "bps": facts.money.bps, "is_listener": int(not station)}
    if row is None or row["cap"] <= message.cap:
        values |= {"cap": message.cap, "until": message.until, "signature": voucher.signature}
    add_net(connection, facts.epoch, station, totals(connection, facts.epoch), net, row is None)
    put(connection, debits, {"epoch": facts.epoch, "payer": message.payer}, **values)
    keep_highest(connection, voucher)
    return VoucherOutcome(issue_receipts(connection, part, facts), waits, is_last=len(part) == len(settled))


def _part(settled: list[tuple[Row, int]], before: int, facts: EpochFacts) -> tuple[list[tuple[Row, int]], int]:
    """The lines of one transaction and their net, wei.

    Args:
        settled: Tickets with the intervals that can be settled; together they reach the statement's minimum.
        before: Net of the payer in the epoch, wei.
        facts: The epoch's facts.
    """
    net = 0
    for count, (ticket, new) in enumerate(settled, 1):
        net += new * _each(ticket)
        if count >= PART_LINES and gross(before + net, facts.money.bps) >= facts.slots.least_wei:
            return settled[:count], net
    return settled, net


def keep_highest(connection: Connection, voucher: Signed[Voucher]) -> None:
    """Store a voucher if its cap is the payer's highest: it is returned to a payer that lost its database."""
    message = voucher.message
    row = get(connection, payers, payer=message.payer)
    if row is not None and row["cap"] < message.cap:
        put(
            connection,
            payers,
            {"payer": message.payer},
            cap=message.cap,
            until=message.until,
            signature=voucher.signature,
        )


def _wanted(
    connection: Connection, payer: bytes, facts: EpochFacts, agreed: Mapping[int, int] | None
) -> list[tuple[Row, int]]:
    """The payer's tickets with intervals that it agreed to and that are not settled, in the order of their numbers."""
    wanted: list[tuple[Row, int]] = []
    for ticket in sorted(connection.group(OWING, payer).rows.values(), key=lambda row: row["number"]):
        heard = ticket["heard_intervals"]
        covered = heard if agreed is None else min(agreed.get(ticket["number"], 0), heard)
        new = min(covered - ticket["vouchered_intervals"], ticket["unvouchered_intervals"])
        if new > 0 and (facts.owners is None or ticket["content"] in facts.owners):
            wanted.append((ticket, new))
    return wanted


def _limits(
    connection: Connection,
    message: Voucher,
    payer_account: Account,
    station: bool,
    row: Row | None,
    asked: int,
    each: int,
    facts: EpochFacts,
) -> list[tuple[int, str]]:
    """Net that each bound allows to settle, wei, with the error code of the bound."""
    sums = totals(connection, facts.epoch)
    own = None if row is None else row["net"]
    share = room(connection, facts.epoch, message.payer, station, own, facts.bond, asked, facts.slots, sums)
    return [
        (most_net(message.cap - payer_account.before, facts.money.bps, payer_account.net), "voucher.cap"),
        (
            affordable(facts.money, payer_account.unposted, payer_account.net),
            "station.escrow.short" if station else "listener.escrow.short",
        ),
        (share, "server.unbonded" if facts.bond < each else "server.epoch.full"),
    ]


def _each(ticket: Row) -> int:
    return int(ticket["price"] + ticket["reward"])
