"""Receipts of settled lines: adds the lines to the epoch's payees and signs what each has earned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

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
    for payee, amount in amounts.items():
        put(connection, payees, {"epoch": facts.epoch, "payee": payee}, amount=amount, owner_amount=owned.get(payee, 0))
    for (_, source), item in issued.items():
        _write_receipt(connection, source, item)
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
    rows = ((payee, get(connection, payees, epoch=epoch, payee=payee)) for payee in wanted)
    return {payee: (row["amount"], row["owner_amount"]) for payee, row in rows if row is not None}


def _write_receipt(connection: Connection, source: bytes, item: IssuedReceipt) -> None:
    """Store a receipt: of each payee and source only the newest."""
    message = item.receipt.message
    put(
        connection,
        receipts,
        {"epoch": message.epoch, "payee": message.payee, "source": source},
        amount=message.amount,
        detail_hash=message.detail,
        signature=item.receipt.signature,
        **{name: getattr(item, name) for name in _DETAILS},
    )


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
