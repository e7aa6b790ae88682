"""What this listener has signed for: the tickets that cost it money, and the last voucher of each of its keys."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Final

from native_host.ledger.base import Rows
from pywallet.rules.statement_check import as_value


@dataclass(frozen=True)
class PaymentRow:
    """A ticket that its listener pays. ``price``: wei of an interval; ``signed``: intervals that a voucher covers.

    ``agreed_bps``: the highest commission at which they are valued. ``lost``: of a play that this ledger has lost, the
    intervals that are paid in all; otherwise 0.
    """

    ticket: bytes
    server: bytes
    payer: bytes
    station: bytes
    domain: str
    chain_id: int
    number: int
    session: bytes
    content: bytes
    price: int
    bps: int
    signed: int = 0
    agreed_bps: int = 0
    lost: int = 0


_FIELDS: Final = tuple(field.name for field in fields(PaymentRow))


@dataclass(frozen=True)
class VoucherRow:
    """The last voucher of a key with a server. ``cap``: cumulative gross, wei; ``sent``: whether the server has it.

    ``agreed``: the value of everything signed for (``pywallet.rules.statement_check``). ``lines``: ticket number to
    intervals.
    """

    cap: int
    until: int
    signed: str
    sent: bool
    agreed: int
    lines: dict[int, int]


class Paying(Rows):
    """Payments and vouchers. Changes belong inside ``Ledger.write``."""

    def add_payment(self, row: PaymentRow) -> None:
        """A ticket whose play will cost its listener something."""
        values = (
            row.ticket,
            row.server,
            row.payer,
            row.station,
            row.domain,
            row.chain_id,
            row.number,
            row.session,
            row.content,
        )
        self._change(
            "INSERT OR IGNORE INTO payments (ticket, server, payer, station, domain, chain_id, number, session, "
            "content, price, bps, "
            "signed, lost) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *values,
            str(row.price),
            row.bps,
            row.signed,
            row.lost,
        )

    def payments(self, server: bytes, payer: bytes) -> dict[int, PaymentRow]:
        """The tickets of one key with one server, by their number."""
        rows = self._rows(
            "SELECT ticket, server, payer, station, domain, chain_id, number, session, content, price, bps, signed, "
            "agreed_bps, lost FROM payments "
            "WHERE server = ? AND payer = ?",
            server,
            payer,
        )
        found = (PaymentRow(**dict(zip(_FIELDS, (*row[:9], int(row[9]), *row[10:]), strict=True))) for row in rows)
        return {row.number: row for row in found}

    def payers(self) -> list[tuple[bytes, bytes, bytes, str, int]]:
        """(server, payer, station, domain, chain id) wherever a song had a price for this listener."""
        rows = self._rows(
            "SELECT DISTINCT server, payer, station, domain, chain_id FROM payments ORDER BY domain, server"
        )
        return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]

    def voucher(self, server: bytes, payer: bytes) -> VoucherRow | None:
        """The last voucher signed."""
        query = "SELECT cap, until, signed, sent, agreed, lines FROM vouchers WHERE server = ? AND payer = ?"
        rows = self._rows(query, server, payer)
        if not rows:
            return None
        cap, until, signed, sent, agreed, lines = rows[0]
        # A ledger of an older version has the cap only.
        return VoucherRow(
            int(cap), until, signed, bool(sent), int(agreed) or as_value(int(cap)), dict(json.loads(lines))
        )

    def set_voucher(self, server: bytes, payer: bytes, row: VoucherRow) -> None:
        """A voucher is about to be sent."""
        lines = json.dumps([[number, intervals] for number, intervals in row.lines.items()])
        self._change(
            "INSERT INTO vouchers (server, payer, cap, until, signed, sent, agreed, lines) VALUES (?, ?, ?, ?, ?, ?, "
            "?, ?) "
            "ON CONFLICT DO UPDATE SET cap = excluded.cap, until = excluded.until, signed = excluded.signed, sent = "
            "excluded.sent, "
            "agreed = excluded.agreed, lines = excluded.lines",
            server,
            payer,
            str(row.cap),
            row.until,
            row.signed,
            int(row.sent),
            str(row.agreed),
            lines,
        )

    def voucher_sent(self, server: bytes, payer: bytes) -> None:
        """The server has settled it."""
        self._change("UPDATE vouchers SET sent = 1 WHERE server = ? AND payer = ?", server, payer)

    def sign_for(self, ticket: bytes, intervals: int, bps: int) -> None:
        """So many intervals of a ticket are signed for now, valued at a commission of at least ``bps`` basis points."""
        self._change(
            "UPDATE payments SET signed = max(signed, ?), agreed_bps = max(agreed_bps, ?) WHERE ticket = ?",
            intervals,
            bps,
            ticket,
        )

    def settled_elsewhere(self, ticket: bytes, intervals: int) -> None:
        """A later voucher of the same key, which this ledger did not have, covers so many intervals of a ticket."""
        self._change("UPDATE payments SET signed = ? WHERE ticket = ?", intervals, ticket)

    def release(self, ticket: bytes, amount: int) -> None:
        """What was set aside for a ticket and not heard is free again, on the day that it was taken from."""
        self._change(
            "INSERT INTO debits (ticket, origin, day, amount) SELECT ticket, origin, day, ? FROM debits WHERE ticket "
            "= ? "
            "ORDER BY number DESC LIMIT 1",
            str(-amount),
            ticket,
        )
