"""What this listener has signed for: the tickets that cost it money, and the last voucher of each of its keys."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from native_host.ledger.base import Rows


@dataclass(frozen=True)
class PaymentRow:
    """A ticket that its listener pays. ``price``: wei of an interval; ``signed``: intervals that a voucher covers."""

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


_FIELDS: Final = tuple(field.name for field in fields(PaymentRow))


@dataclass(frozen=True)
class VoucherRow:
    """The last voucher of a key with a server. ``cap``: cumulative gross, wei; ``sent``: whether the server has it."""

    cap: int
    until: int
    signed: str
    sent: bool


class Paying(Rows):
    """Payments and vouchers. Changes belong inside ``Ledger.write``."""

    def add_payment(self, row: PaymentRow) -> None:
        """A ticket whose play will cost its listener something."""
        values = (row.ticket, row.server, row.payer, row.station, row.domain, row.chain_id, row.number, row.session, row.content)
        self._change(
            "INSERT OR IGNORE INTO payments (ticket, server, payer, station, domain, chain_id, number, session, content, price, bps) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *values,
            str(row.price),
            row.bps,
        )

    def payments(self, server: bytes, payer: bytes) -> dict[int, PaymentRow]:
        """The tickets of one key with one server, by their number."""
        rows = self._rows(
            "SELECT ticket, server, payer, station, domain, chain_id, number, session, content, price, bps, signed FROM payments "
            "WHERE server = ? AND payer = ?",
            server,
            payer,
        )
        found = (PaymentRow(**dict(zip(_FIELDS, (*row[:9], int(row[9]), *row[10:]), strict=True))) for row in rows)
        return {row.number: row for row in found}

    def payers(self) -> list[tuple[bytes, bytes, bytes, str, int]]:
        """(server, payer, station, domain, chain id) wherever a song had a price for this listener."""
        rows = self._rows("SELECT DISTINCT server, payer, station, domain, chain_id FROM payments ORDER BY domain, server")
        return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]

    def voucher(self, server: bytes, payer: bytes) -> VoucherRow | None:
        """The last voucher signed."""
        rows = self._rows("SELECT cap, until, signed, sent FROM vouchers WHERE server = ? AND payer = ?", server, payer)
        return VoucherRow(int(rows[0][0]), rows[0][1], rows[0][2], bool(rows[0][3])) if rows else None

    def set_voucher(self, server: bytes, payer: bytes, cap: int, until: int, signed: str) -> None:
        """A voucher is about to be sent. A cap never falls."""
        self._change(
            "INSERT INTO vouchers (server, payer, cap, until, signed, sent) VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT DO UPDATE SET "
            "cap = excluded.cap, until = excluded.until, signed = excluded.signed, sent = 0",
            server,
            payer,
            str(cap),
            until,
            signed,
        )

    def voucher_sent(self, server: bytes, payer: bytes) -> None:
        """The server has settled it."""
        self._change("UPDATE vouchers SET sent = 1 WHERE server = ? AND payer = ?", server, payer)

    def sign_for(self, ticket: bytes, intervals: int) -> None:
        """So many intervals of a ticket are signed for now."""
        self._change("UPDATE payments SET signed = max(signed, ?) WHERE ticket = ?", intervals, ticket)

    def release(self, ticket: bytes, amount: int) -> None:
        """What was set aside for a ticket and not heard is free again, on the day that it was taken from."""
        self._change(
            "INSERT INTO debits (ticket, origin, day, amount) SELECT ticket, origin, day, ? FROM debits WHERE ticket = ? "
            "ORDER BY number DESC LIMIT 1",
            str(-amount),
            ticket,
        )
