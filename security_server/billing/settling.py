"""Settles vouchers: lines in the running epoch, a debit, and receipts (docs/settlement.md, rules 1 to 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update

from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.errors import Refusal
from pywallet.protocol import (
    Domain,
    Receipt,
    Signed,
    Voucher,
    receipt_detail,
    sign,
)
from pywallet.settlement import gross
from security_server.billing.accounts import (
    Account,
    Mark,
    Money,
    account,
    affordable,
    most_net,
)
from security_server.billing.fair_slots import (
    EpochBounds,
    room,
    take,
    totals,
)
from security_server.db.queries import get, put
from security_server.db.tables import (
    debits,
    epoch_owners,
    payees,
    payers,
    receipts,
    tickets,
)
from security_server.epochs.settled_lines import write_line

Row = Mapping[str, Any]
Leaf = tuple[int, int]
"""``amount`` and ``owner_amount`` of a payee in an epoch, wei."""
_CHUNK: Final = 500
_FACTS: Final = ("content", "session", "plays", "seeks", "seconds", "sequence", "invocation")


@dataclass(frozen=True)
class Issued:
    """A signed receipt and the details that it hashes."""

    receipt: Signed[Receipt]
    content: bytes
    session: bytes
    plays: int
    seeks: int
    seconds: int
    sequence: int
    invocation: bytes


@dataclass(frozen=True)
class Settling:
    """What settling needs beside the database. ``bond`` is 0 while the server retires.

    ``money.bps`` is the rate of ``epoch``, and ``epoch`` the one that runs inside the transaction.
    """

    domain: Domain
    server: bytes
    signing: bytes
    epoch: int
    now_s: int
    money: Money
    bond: int
    owners: Mapping[bytes, bytes] | None = None
    """Who earns with each content in the epoch, by its contract; a line of another content waits.

    None: whoever uploaded it.
    """
    slots: EpochBounds = field(default_factory=EpochBounds)
    mark: Mark | None = None
    """See ``account``."""


@dataclass(frozen=True)
class Done:
    """Result of a voucher. ``waiting``: error code of why not all of its lines were settled, or None."""

    issued: list[Issued]
    waiting: str | None


def settle(
    connection: Connection, voucher: Signed[Voucher], at: Settling, named: Mapping[int, int] | None = None
) -> list[Issued]:
    """The receipts of ``settle_voucher``."""
    return settle_voucher(connection, voucher, at, named).issued


def settle_voucher(
    connection: Connection, voucher: Signed[Voucher], at: Settling, named: Mapping[int, int] | None = None
) -> Done:
    """Settle the lines that a voucher covers into the running epoch, in ticket order, and sign the receipts.

    A voucher of an earlier statement is good for what it covers: whole
    intervals that fit within its cap, the escrow, the payer's room in the
    epoch and the bond are settled, the rest waits. A voucher whose lines were
    settled already gives no receipts, so sending it again is harmless.

    Args:
        connection: of a transaction of its own; after a refusal it must be rolled back.
        voucher: its signature and server are checked already.
        at: the epoch, its facts and the bounds.
        named: ticket number to whole intervals that the payer agreed to; None (an older payer): all that is due.

    Raises:
        Refusal: nothing of it can be settled now: ``voucher.cap``, ``voucher.signature`` (its time is over),
            ``station.escrow.short``, ``listener.escrow.short``, ``server.unbonded``, ``server.epoch.full``,
            ``statement.minimum``.
        Differs: the chain's figure has to be read again.
    """
    message = voucher.message
    wanted = _wanted(connection, message.payer, at, named)
    if not wanted:
        return Done([], None)
    if message.until < at.epoch:
        raise Refusal("voucher.signature", reason="until", until=message.until, epoch=at.epoch)
    books = account(connection, message.payer, at.epoch, at.money, at.mark, keep=True)
    station = wanted[0][0]["payer"] == wanted[0][0]["station_address"]
    row = get(connection, debits, epoch=at.epoch, payer=message.payer)
    asked = sum(new * _each(ticket) for ticket, new in wanted)
    limits = _limits(connection, message, books, station, row, asked, min(_each(ticket) for ticket, _ in wanted), at)
    left, waiting = min(limits, key=lambda limit: limit[0])
    fresh: list[tuple[Row, int]] = []
    net = 0
    for ticket, due in wanted:
        new = min(due, (left - net) // _each(ticket))
        if new > 0:
            fresh.append((ticket, new))
            net += new * _each(ticket)
    if not net:
        raise Refusal(waiting, cap=message.cap, settled=books.settled(at.money.bps), net=asked)
    if gross(books.net + net, at.money.bps) < at.slots.least_wei:
        raise Refusal("statement.minimum", least_wei=str(at.slots.least_wei))
    values: dict[str, Any] = {"net": books.net + net, "bps": at.money.bps, "is_listener": int(not station)}
    if row is None or row["cap"] <= message.cap:
        values |= {"cap": message.cap, "until": message.until, "signature": voucher.signature}
    take(connection, at.epoch, station, totals(connection, at.epoch), net, row is None)
    put(connection, debits, {"epoch": at.epoch, "payer": message.payer}, **values)
    remember(connection, voucher)
    return Done(_pay(connection, fresh, at), waiting if net < asked else None)


def remember(connection: Connection, voucher: Signed[Voucher]) -> None:
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
    connection: Connection, payer: bytes, at: Settling, named: Mapping[int, int] | None
) -> list[tuple[Row, int]]:
    """The payer's tickets with intervals that it agreed to and that are not settled, in the order of their numbers."""
    query = (
        select(tickets).where(tickets.c.payer == payer, tickets.c.unvouchered_intervals > 0).order_by(tickets.c.number)
    )
    found: list[tuple[Row, int]] = []
    for ticket in connection.execute(query).mappings():
        agreed = (
            ticket["heard_intervals"]
            if named is None
            else min(named.get(ticket["number"], 0), ticket["heard_intervals"])
        )
        new = min(agreed - ticket["vouchered_intervals"], ticket["unvouchered_intervals"])
        if new > 0 and (at.owners is None or ticket["content"] in at.owners):
            found.append((dict(ticket), new))
    return found


def _limits(
    connection: Connection,
    message: Voucher,
    books: Account,
    station: bool,
    row: Row | None,
    asked: int,
    each: int,
    at: Settling,
) -> list[tuple[int, str]]:
    """Net that each bound allows to settle, wei, with the error code of the bound."""
    sums = totals(connection, at.epoch)
    own = None if row is None else row["net"]
    share = room(connection, at.epoch, message.payer, station, own, at.bond, asked, at.slots, sums)
    return [
        (most_net(message.cap - books.before, at.money.bps, books.net), "voucher.cap"),
        (
            affordable(at.money, books.unposted, books.net),
            "station.escrow.short" if station else "listener.escrow.short",
        ),
        (share, "server.unbonded" if at.bond < each else "server.epoch.full"),
    ]


def _each(ticket: Row) -> int:
    return int(ticket["price"] + ticket["reward"])


def _pay(connection: Connection, fresh: Sequence[tuple[Row, int]], at: Settling) -> list[Issued]:
    """Add the lines to the epoch's payees; one receipt per listener's play, one per content for its owner."""
    owners = _owners(connection, {ticket["content"]: ticket for ticket, _ in fresh}, at)
    before = _leaves(connection, at.epoch, {*owners.values(), *(ticket["payee"] for ticket, _ in fresh)})
    amounts = {payee: amount for payee, (amount, _) in before.items()}
    owned = {payee: part for payee, (_, part) in before.items()}
    issued: dict[tuple[bytes, bytes], Issued] = {}
    last: dict[bytes, Row] = {}
    changes = []
    for ticket, new in fresh:
        vouchered = ticket["vouchered_intervals"] + new
        changes.append({"key": ticket["id"], "now": vouchered, "left": ticket["unvouchered_intervals"] - new})
        owner = owners[ticket["content"]]
        write_line(connection, at.epoch, ticket, new, owner, at.now_s)
        if ticket["price"]:
            amounts[owner] = amounts.get(owner, 0) + new * ticket["price"]
            owned[owner] = owned.get(owner, 0) + new * ticket["price"]
            last[ticket["content"]] = ticket
        if ticket["payee"] != ZERO_ADDRESS and ticket["reward"]:
            amounts[ticket["payee"]] = amounts.get(ticket["payee"], 0) + new * ticket["reward"]
            issued[ticket["payee"], ticket["id"]] = _receipt(ticket, ticket["payee"], amounts[ticket["payee"]], at)
    for content, ticket in last.items():
        issued[owners[content], content.rjust(32, b"\0")] = _receipt(
            ticket, owners[content], amounts[owners[content]], at
        )
    statement = (
        update(tickets)
        .where(tickets.c.id == bindparam("key"))
        .values(vouchered_intervals=bindparam("now"), unvouchered_intervals=bindparam("left"))
    )
    connection.execute(statement, changes)
    leaves = {payee: (amount, owned.get(payee, 0)) for payee, amount in amounts.items()}
    _write(connection, at.epoch, {payee: leaf for payee, leaf in leaves.items() if leaf != before.get(payee)}, before)
    _keep(connection, issued, at.epoch)
    return list(issued.values())


def _owners(connection: Connection, contents: Mapping[bytes, Row], at: Settling) -> dict[bytes, bytes]:
    """Who earns with each content in this epoch; stored, so that every rebuild gives the same."""
    owners: dict[bytes, bytes] = {}
    for content, ticket in contents.items():
        row = get(connection, epoch_owners, epoch=at.epoch, content=content)
        if row is None:
            row = {"owner": ticket["header_owner"] if at.owners is None else at.owners[content]}
            put(connection, epoch_owners, {"epoch": at.epoch, "content": content}, **row)
        owners[content] = row["owner"]
    return owners


def _leaves(connection: Connection, epoch: int, wanted: Iterable[bytes]) -> dict[bytes, Leaf]:
    """Amounts of these payees in the epoch so far."""
    found: dict[bytes, Leaf] = {}
    names = sorted(wanted)
    for start in range(0, len(names), _CHUNK):
        query = select(payees).where(payees.c.epoch == epoch, payees.c.payee.in_(names[start : start + _CHUNK]))
        found |= {row.payee: (row.amount, row.owner_amount) for row in connection.execute(query)}
    return found


def _write(connection: Connection, epoch: int, leaves: Mapping[bytes, Leaf], known: Mapping[bytes, Leaf]) -> None:
    """Write payees' amounts, those with a row already and the new ones each in one statement."""
    old = [{"key": payee, "all": amount, "part": owned} for payee, (amount, owned) in leaves.items() if payee in known]
    new = [
        {"epoch": epoch, "payee": payee, "amount": amount, "owner_amount": owned}
        for payee, (amount, owned) in leaves.items()
        if payee not in known
    ]
    if old:
        values = {
            "amount": bindparam("all", type_=payees.c.amount.type),
            "owner_amount": bindparam("part", type_=payees.c.owner_amount.type),
        }
        connection.execute(
            update(payees).where(payees.c.epoch == epoch, payees.c.payee == bindparam("key")).values(values), old
        )
    if new:
        connection.execute(payees.insert(), new)


def _keep(connection: Connection, issued: Mapping[tuple[bytes, bytes], Issued], epoch: int) -> None:
    """Store the receipts: of each payee and source only the newest."""
    rows = []
    for (payee, source), one in issued.items():
        message = one.receipt.message
        row = {
            "epoch": epoch,
            "payee": payee,
            "source": source,
            "amount": message.amount,
            "detail_hash": message.detail,
        }
        rows.append({**row, **{name: getattr(one, name) for name in _FACTS}, "signature": one.receipt.signature})
    if not rows:
        return
    gone = receipts.delete().where(
        receipts.c.epoch == bindparam("e"), receipts.c.payee == bindparam("p"), receipts.c.source == bindparam("s")
    )
    connection.execute(gone, [{"e": row["epoch"], "p": row["payee"], "s": row["source"]} for row in rows])
    connection.execute(receipts.insert(), rows)


def _receipt(ticket: Row, payee: bytes, amount: int, at: Settling) -> Issued:
    facts = {
        "content": ticket["content"],
        "session": ticket["session"],
        "plays": 1,
        "seeks": ticket["seeks"],
        "seconds": ticket["heard_ms"] // 1000,
        "sequence": ticket["last_sequence"],
        "invocation": ticket["last_invocation"],
    }
    message = Receipt(server=at.server, epoch=at.epoch, payee=payee, amount=amount, detail=receipt_detail(**facts))
    return Issued(sign(message, at.domain, at.signing), **facts)


def stored(row: Mapping[Any, Any], server: bytes) -> Issued:
    """A receipt from its row."""
    message = Receipt(
        server=server, epoch=row["epoch"], payee=row["payee"], amount=row["amount"], detail=row["detail_hash"]
    )
    return Issued(Signed(message, row["signature"]), **{name: row[name] for name in _FACTS})
