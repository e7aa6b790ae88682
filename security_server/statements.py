"""What a station owes, line by line, and what its voucher settles (docs/settlement.md, rules 1 to 5)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, func, select, update

from pywallet.errors import Refusal
from pywallet.hexes import ZERO_ADDRESS
from pywallet.messages import Domain, Receipt, Signed, StatementLine, Voucher, receipt_detail, sign
from pywallet.settlement import gross
from security_server.accounts import Money, outstanding
from security_server.epochlines import write_line
from security_server.rows import get, put
from security_server.tables import debits, epoch_owners, payees, payers, receipts, tickets

MOST_PAYERS: Final = 256
"""Entries of one post (docs/settlement.md)."""


@dataclass(frozen=True)
class Stated:
    """A statement before it is signed. ``spent``: cumulative gross, wei."""

    epoch: int
    spent: int
    lines: tuple[StatementLine, ...]


@dataclass(frozen=True)
class Issued:
    """A receipt and what it stands for."""

    receipt: Signed[Receipt]
    content: bytes
    session: bytes
    plays: int
    seeks: int
    seconds: int
    sequence: int
    invocation: bytes


def state(connection: Connection, payer: bytes, epoch: int, money: Money, bond: int) -> Stated:
    """The payer's statement now, remembered so that a voucher can be held to it.

    Lines are cut to what the payer's escrow and the server's bond still
    cover in this epoch; the rest waits for a later statement.
    """
    owed = outstanding(connection, payer, epoch)
    row = get(connection, payers, payer=payer)
    cap, before = (row["cap"], row["stated"]) if row else (money.spent, money.spent)
    room = min(bond - _net_of(connection, epoch), _affordable(money, owed.unposted, owed.current_net))
    found: list[StatementLine] = []
    net = 0
    due = select(tickets).where(tickets.c.payer == payer, tickets.c.due > 0).order_by(tickets.c.number)
    for ticket in connection.execute(due).mappings():
        each = ticket["price"] + ticket["reward"]
        new = min(ticket["due"], max(0, room - net) // each)
        if new:
            net += new * each
            intervals = ticket["vouchered"] + new
            found.append(
                StatementLine(
                    number=ticket["number"],
                    content=ticket["content"],
                    session=ticket["session"],
                    intervals=intervals,
                    price=ticket["price"],
                    reward=ticket["reward"],
                )
            )
    # On sums, as the contract takes it; and never below what the payer may have signed already.
    spent = cap + gross(owed.current_net + net, money.bps) - gross(owed.current_net, money.bps)
    stated = Stated(epoch, max(spent, before), tuple(found))
    plain = json.dumps([[line.number, line.intervals] for line in found])
    # Anybody may ask; who owes nothing and has never owed leaves no row.
    if row is not None or found:
        put(connection, payers, {"payer": payer}, cap=cap, stated=stated.spent, stated_epoch=epoch, lines=plain)
    return stated


def _affordable(money: Money, unposted: int, current_net: int) -> int:
    """The net that free escrow still covers in this epoch, commission included."""
    net = max(0, (money.free - unposted) * 10_000 // (10_000 + money.bps))
    while net and unposted + gross(net, money.bps) > money.free:
        net -= 1
    while unposted + gross(net + 1, money.bps) <= money.free:
        net += 1
    return max(0, net - current_net)


def _net_of(connection: Connection, epoch: int) -> int:
    return sum(connection.execute(select(debits.c.net).where(debits.c.epoch == epoch)).scalars())


def _payers_of(connection: Connection, epoch: int) -> int:
    return connection.execute(select(func.count()).select_from(debits).where(debits.c.epoch == epoch)).scalar_one()


@dataclass(frozen=True)
class Settling:
    """What settling needs beside the database. ``bond`` is 0 while the server retires."""

    domain: Domain
    server: bytes
    signing: bytes
    epoch: int
    now_s: int
    money: Money
    bond: int
    owners: Mapping[bytes, bytes] = field(default_factory=dict)
    """Who earns with each stated content in the epoch, by its contract; whoever is missing is the owner it was uploaded by."""


def stated_contents(connection: Connection, payer: bytes) -> set[bytes]:
    """The contents of the payer's last statement."""
    row = get(connection, payers, payer=payer)
    found = [get(connection, tickets, payer=payer, number=number) for number, _ in json.loads(row["lines"])] if row else []
    return {ticket["content"] for ticket in found if ticket is not None}


def settle(connection: Connection, voucher: Signed[Voucher], at: Settling) -> list[Issued]:
    """Settle the stated lines that a voucher covers into the running epoch, and sign the receipts.

    The voucher's signature and server are checked already. A voucher that
    covers nothing new gives no receipts, so sending it again is harmless.

    Raises Refusal: ``voucher.cap``, ``voucher.signature`` (its time is over),
    ``station.escrow.short``, ``server.unbonded``.
    """
    message = voucher.message
    row = get(connection, payers, payer=message.payer)
    if row is None or message.cap <= row["cap"]:
        return []
    if message.until < at.epoch:
        raise Refusal("voucher.signature", reason="until", until=message.until, epoch=at.epoch)
    stated: list[list[int]] = json.loads(row["lines"])
    fresh = _fresh(connection, message.payer, stated)
    net = sum(new * (ticket["price"] + ticket["reward"]) for ticket, new in fresh)
    if not net:
        return []
    owed = outstanding(connection, message.payer, at.epoch)
    added = gross(owed.current_net + net, at.money.bps) - gross(owed.current_net, at.money.bps)
    if row["cap"] + added > message.cap:
        raise Refusal("voucher.cap", cap=message.cap, needed=row["cap"] + added)
    if net > _affordable(at.money, owed.unposted, owed.current_net):
        raise Refusal(escrow_code(fresh), payer=message.payer.hex())
    if _net_of(connection, at.epoch) + net > at.bond:
        raise Refusal("server.unbonded", bond=at.bond)
    if get(connection, debits, epoch=at.epoch, payer=message.payer) is None and _payers_of(connection, at.epoch) >= MOST_PAYERS:
        raise Refusal("station.busy", reason="the contract takes no more payers in one epoch")
    debit = {"net": owed.current_net + net, "bps": at.money.bps, "cap": message.cap, "until": message.until}
    put(connection, debits, {"epoch": at.epoch, "payer": message.payer}, **debit, signature=voucher.signature)
    put(connection, payers, {"payer": message.payer}, cap=message.cap, stated=message.cap, stated_epoch=at.epoch, lines="[]")
    return _pay(connection, fresh, at)


def escrow_code(lines: Sequence[tuple[Mapping[str, Any], int]]) -> str:
    """Whose escrow does not cover these lines."""
    return "listener.escrow.short" if any(ticket["payer"] != ticket["station"] for ticket, _ in lines) else "station.escrow.short"


def _fresh(connection: Connection, payer: bytes, stated: Sequence[Sequence[int]]) -> list[tuple[Mapping[str, Any], int]]:
    out: list[tuple[Mapping[str, Any], int]] = []
    for number, intervals in stated:
        ticket = get(connection, tickets, payer=payer, number=number)
        if ticket is not None and intervals > ticket["vouchered"]:
            out.append((ticket, intervals - ticket["vouchered"]))
    return out


def _pay(connection: Connection, fresh: Sequence[tuple[Mapping[str, Any], int]], at: Settling) -> list[Issued]:
    """Add the lines to the epoch's payees; one receipt per listener's play, one per content for its owner."""
    issued: list[Issued] = []
    owners: dict[bytes, Mapping[str, Any]] = {}
    for ticket, new in fresh:
        vouchered = ticket["vouchered"] + new
        change = {"vouchered": vouchered, "due": ticket["intervals"] - vouchered}
        connection.execute(update(tickets).where(tickets.c.id == ticket["id"]).values(**change))
        owner = _owner(connection, ticket, at)
        write_line(connection, at.epoch, ticket, new, owner, at.now_s)
        _raise(connection, at.epoch, owner, new * ticket["price"])
        if ticket["payee"] != ZERO_ADDRESS and ticket["reward"]:
            _raise(connection, at.epoch, ticket["payee"], new * ticket["reward"])
            issued.append(_receipt(connection, ticket, ticket["payee"], ticket["id"], at))
        if ticket["price"]:
            owners[ticket["content"]] = ticket
    issued += [
        _receipt(connection, ticket, _owner(connection, ticket, at), content.rjust(32, b"\0"), at) for content, ticket in owners.items()
    ]
    return issued


def _owner(connection: Connection, ticket: Mapping[str, Any], at: Settling) -> bytes:
    """Who earns with the ticket's content in this epoch, written down so that every rebuild says the same."""
    key = {"epoch": at.epoch, "content": ticket["content"]}
    row = get(connection, epoch_owners, **key)
    if row is None:
        row = {"owner": at.owners.get(ticket["content"], ticket["owner"])}
        put(connection, epoch_owners, key, **row)
    owner: bytes = row["owner"]
    return owner


def _raise(connection: Connection, epoch: int, payee: bytes, amount: int) -> None:
    if amount:
        row = get(connection, payees, epoch=epoch, payee=payee)
        put(connection, payees, {"epoch": epoch, "payee": payee}, amount=amount + (row["amount"] if row else 0))


def _receipt(connection: Connection, ticket: Mapping[str, Any], payee: bytes, source: bytes, at: Settling) -> Issued:
    row = get(connection, payees, epoch=at.epoch, payee=payee)
    assert row is not None
    facts = {
        "content": ticket["content"],
        "session": ticket["session"],
        "plays": 1,
        "seeks": ticket["seeks"],
        "seconds": ticket["heard_ms"] // 1000,
        "sequence": ticket["sequence"],
        "invocation": ticket["invocation"],
    }
    detail = receipt_detail(**facts)
    message = Receipt(server=at.server, epoch=at.epoch, payee=payee, amount=row["amount"], detail=detail)
    signed = sign(message, at.domain, at.signing)
    key = {"epoch": at.epoch, "payee": payee, "source": source}
    put(connection, receipts, key, amount=row["amount"], **facts, detail=detail, signature=signed.signature)
    return Issued(signed, **facts)


def stored(row: Mapping[Any, Any], server: bytes) -> Issued:
    """A receipt from its row."""
    message = Receipt(server=server, epoch=row["epoch"], payee=row["payee"], amount=row["amount"], detail=row["detail"])
    names = ("content", "session", "plays", "seeks", "seconds", "sequence", "invocation")
    return Issued(Signed(message, row["signature"]), **{name: row[name] for name in names})
