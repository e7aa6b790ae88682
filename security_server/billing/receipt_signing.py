"""Receipts of settled lines: adds the lines to the epoch's payees and signs what each has earned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.protocol import Receipt, Signed, receipt_detail, sign
from security_server.billing.epoch_facts import EpochFacts
from security_server.db.connection import Connection
from security_server.db.queries import change, get, put
from security_server.db.tables import epoch_owners, payees, receipts, tickets
from security_server.epochs.settled_lines import write_line

Row = Mapping[str, Any]
Leaf = tuple[int, int]
"""``amount`` and ``owner_amount`` of a payee in an epoch, wei."""
_CHUNK: Final = 500
"""Payees that one query names."""
_DETAILS: Final = ("content", "session", "plays", "seeks", "seconds", "sequence", "invocation")


@dataclass(frozen=True)
class IssuedReceipt:
    """A signed receipt and the details that it hashes."""

    receipt: Signed[Receipt]
    content: bytes
    session: bytes
    plays: int
    seeks: int
    seconds: int
    sequence: int
    invocation: bytes

    @classmethod
    def from_row(cls, row: Mapping[Any, Any], server: bytes) -> IssuedReceipt:
        """A receipt from its row; ``server`` is this server's address."""
        message = Receipt(
            server=server, epoch=row["epoch"], payee=row["payee"], amount=row["amount"], detail=row["detail_hash"]
        )
        return cls(Signed(message, row["signature"]), **{name: row[name] for name in _DETAILS})


def issue_receipts(
    connection: Connection, settled: Sequence[tuple[Row, int]], facts: EpochFacts
) -> list[IssuedReceipt]:
    """Add settled lines to the epoch's payees and sign one receipt per listener's play, one per content for its owner.

    Args:
        connection: Of the transaction that settles.
        settled: Tickets with their newly settled intervals.
        facts: The epoch, its owners and the signing key.

    Raises:
        GomaaError: ``server.epoch.closed``.
    """
    owners = _owners(connection, {ticket["content"]: ticket for ticket, _ in settled}, facts)
    before = _leaves(connection, facts.epoch, {*owners.values(), *(ticket["payee"] for ticket, _ in settled)})
    amounts = {payee: amount for payee, (amount, _) in before.items()}
    owned = {payee: part for payee, (_, part) in before.items()}
    issued: dict[tuple[bytes, bytes], IssuedReceipt] = {}
    last: dict[bytes, Row] = {}
    for ticket, new in settled:
        vouchered = ticket["vouchered_intervals"] + new
        left = ticket["unvouchered_intervals"] - new
        change(connection, tickets, {"id": ticket["id"]}, vouchered_intervals=vouchered, unvouchered_intervals=left)
        owner = owners[ticket["content"]]
        write_line(connection, facts.epoch, ticket, new, owner, facts.now_s)
        if ticket["price"]:
            amounts[owner] = amounts.get(owner, 0) + new * ticket["price"]
            owned[owner] = owned.get(owner, 0) + new * ticket["price"]
            last[ticket["content"]] = ticket
        if ticket["payee"] != ZERO_ADDRESS and ticket["reward"]:
            amounts[ticket["payee"]] = amounts.get(ticket["payee"], 0) + new * ticket["reward"]
            issued[ticket["payee"], ticket["id"]] = _receipt(ticket, ticket["payee"], amounts[ticket["payee"]], facts)
    for content, ticket in last.items():
        owner = owners[content]
        issued[owner, content.rjust(32, b"\0")] = _receipt(ticket, owner, amounts[owner], facts)
    leaves = {payee: (amount, owned.get(payee, 0)) for payee, amount in amounts.items()}
    changed = {payee: leaf for payee, leaf in leaves.items() if leaf != before.get(payee)}
    _write_leaves(connection, facts.epoch, changed, before)
    _write_receipts(connection, issued, facts.epoch)
    return list(issued.values())


def _owners(connection: Connection, contents: Mapping[bytes, Row], facts: EpochFacts) -> dict[bytes, bytes]:
    """Owner of each content in this epoch; stored, so that every rebuild gives the same."""
    owners: dict[bytes, bytes] = {}
    for content, ticket in contents.items():
        row = get(connection, epoch_owners, epoch=facts.epoch, content=content)
        if row is None:
            row = {"owner": ticket["header_owner"] if facts.owners is None else facts.owners[content]}
            put(connection, epoch_owners, {"epoch": facts.epoch, "content": content}, **row)
        owners[content] = row["owner"]
    return owners


def _leaves(connection: Connection, epoch: int, wanted: Iterable[bytes]) -> dict[bytes, Leaf]:
    """Amounts of these payees in the epoch so far."""
    leaves: dict[bytes, Leaf] = {}
    names = sorted(wanted)
    for start in range(0, len(names), _CHUNK):
        query = select(payees).where(payees.c.epoch == epoch, payees.c.payee.in_(names[start : start + _CHUNK]))
        leaves |= {row.payee: (row.amount, row.owner_amount) for row in connection.execute(query)}
    return leaves


def _write_leaves(
    connection: Connection, epoch: int, leaves: Mapping[bytes, Leaf], stored: Mapping[bytes, Leaf]
) -> None:
    """Write payees' amounts: one statement for those with a row already, one for the new ones."""
    old = [{"key": payee, "all": amount, "part": owned} for payee, (amount, owned) in leaves.items() if payee in stored]
    new = [
        {"epoch": epoch, "payee": payee, "amount": amount, "owner_amount": owned}
        for payee, (amount, owned) in leaves.items()
        if payee not in stored
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


def _write_receipts(connection: Connection, issued: Mapping[tuple[bytes, bytes], IssuedReceipt], epoch: int) -> None:
    """Store the receipts: of each payee and source only the newest."""
    rows = []
    for (payee, source), item in issued.items():
        message = item.receipt.message
        row = {
            "epoch": epoch,
            "payee": payee,
            "source": source,
            "amount": message.amount,
            "detail_hash": message.detail,
        }
        rows.append({**row, **{name: getattr(item, name) for name in _DETAILS}, "signature": item.receipt.signature})
    if not rows:
        return
    replaced = receipts.delete().where(
        receipts.c.epoch == bindparam("e"), receipts.c.payee == bindparam("p"), receipts.c.source == bindparam("s")
    )
    connection.execute(replaced, [{"e": row["epoch"], "p": row["payee"], "s": row["source"]} for row in rows])
    connection.execute(receipts.insert(), rows)


def _receipt(ticket: Row, payee: bytes, amount: int, facts: EpochFacts) -> IssuedReceipt:
    details = {
        "content": ticket["content"],
        "session": ticket["session"],
        "plays": 1,
        "seeks": ticket["seeks"],
        "seconds": ticket["heard_ms"] // 1000,
        "sequence": ticket["last_sequence"],
        "invocation": ticket["last_invocation"],
    }
    message = Receipt(
        server=facts.server, epoch=facts.epoch, payee=payee, amount=amount, detail=receipt_detail(**details)
    )
    return IssuedReceipt(sign(message, facts.domain, facts.signing), **details)
