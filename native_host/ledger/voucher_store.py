"""Tickets that this listener pays, and the last voucher of each of its keys."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass, fields, replace
from typing import Final

from native_host.ledger.base import Rows
from pywallet.rules.statement_check import as_value


@dataclass(frozen=True)
class PaymentRow:
    """A ticket that its listener pays. ``price_wei``: of an interval; ``vouchered_intervals``: covered by a voucher.

    ``bps``: commission when the ticket was opened. ``agreed_bps``: the highest commission at which vouchered intervals
    are valued. ``lost_intervals``: of a play that this ledger has lost, all intervals that are paid; otherwise 0.
    """

    ticket: bytes
    server: bytes
    payer: bytes
    station_address: bytes
    station_domain: str
    chain_id: int
    ticket_number: int
    session: bytes
    content: bytes
    price_wei: int
    bps: int
    vouchered_intervals: int = 0
    agreed_bps: int = 0
    lost_intervals: int = 0


_PAYMENT: Final = tuple(field.name for field in fields(PaymentRow))


@dataclass(frozen=True)
class VoucherRow:
    """The last voucher of a key with a server. ``cap_wei``: cumulative gross; ``sent``: whether the server has it.

    ``agreed_value``: of everything vouchered (``pywallet.rules.statement_check.as_value``). ``lines``: ticket number to
    intervals.
    """

    cap_wei: int
    until_epoch: int
    signed_json: str
    sent: bool
    agreed_value: int
    lines: dict[int, int]


class VoucherStore(Rows):
    """Payments and vouchers. Changes belong inside ``Ledger.write``."""

    def add_payment(self, row: PaymentRow) -> None:
        """Remember a ticket whose play costs its listener something; a known one stays as it is."""
        values = astuple(replace(row, price_wei=str(row.price_wei), agreed_bps=0))  # type: ignore[arg-type]
        marks = ", ".join("?" * len(_PAYMENT))
        self._change(f"INSERT OR IGNORE INTO payments ({', '.join(_PAYMENT)}) VALUES ({marks})", *values)  # noqa: S608

    def payments(self, server: bytes, payer: bytes) -> dict[int, PaymentRow]:
        """The tickets of one key with one server, by their number."""
        rows = self._rows(
            f"SELECT {', '.join(_PAYMENT)} FROM payments WHERE server = ? AND payer = ?",  # noqa: S608
            server,
            payer,
        )
        payments = (PaymentRow(*row) for row in rows)
        return {row.ticket_number: replace(row, price_wei=int(row.price_wei)) for row in payments}

    def payers(self) -> list[tuple[bytes, bytes, bytes, str, int]]:
        """(server, payer, station, its domain, chain id) wherever a content had a price for this listener."""
        rows = self._rows(
            "SELECT DISTINCT server, payer, station_address, station_domain, chain_id FROM payments "
            "ORDER BY station_domain, server"
        )
        return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]

    def voucher(self, server: bytes, payer: bytes) -> VoucherRow | None:
        """The last voucher signed."""
        rows = self._rows(
            "SELECT cap_wei, until_epoch, signed_json, sent, agreed_value, lines_json FROM vouchers "
            "WHERE server = ? AND payer = ?",
            server,
            payer,
        )
        if not rows:
            return None
        cap, until, signed, sent, agreed, lines = rows[0]
        # A ledger before version 6 had the cap only.
        value = int(agreed) or as_value(int(cap))
        return VoucherRow(int(cap), until, signed, bool(sent), value, dict(json.loads(lines)))

    def set_voucher(self, server: bytes, payer: bytes, row: VoucherRow) -> None:
        """Record a voucher before it is sent; it replaces the one before."""
        lines = json.dumps([[number, intervals] for number, intervals in row.lines.items()])
        self._change(
            "INSERT OR REPLACE INTO vouchers "
            "(server, payer, cap_wei, until_epoch, signed_json, sent, agreed_value, lines_json) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            server,
            payer,
            str(row.cap_wei),
            row.until_epoch,
            row.signed_json,
            int(row.sent),
            str(row.agreed_value),
            lines,
        )

    def set_voucher_sent(self, server: bytes, payer: bytes) -> None:
        """The server has settled the last voucher."""
        self._change("UPDATE vouchers SET sent = 1 WHERE server = ? AND payer = ?", server, payer)

    def raise_vouchered(self, ticket: bytes, intervals: int, bps: int) -> None:
        """So many intervals of a ticket are vouchered at least, valued at a commission of at least ``bps``."""
        self._change(
            "UPDATE payments SET vouchered_intervals = max(vouchered_intervals, ?), agreed_bps = max(agreed_bps, ?) "
            "WHERE ticket = ?",
            intervals,
            bps,
            ticket,
        )

    def set_vouchered(self, ticket: bytes, intervals: int) -> None:
        """A later voucher of the same key, which this ledger did not have, covers so many intervals of a ticket."""
        self._change("UPDATE payments SET vouchered_intervals = ? WHERE ticket = ?", intervals, ticket)

    def release(self, ticket: bytes, amount: int) -> None:
        """Give back what was set aside for a ticket and not played, on the day that it was taken from.

        Args:
            ticket: Its digest, 32 bytes.
            amount: Wei.
        """
        self._change(
            "INSERT INTO debits (ticket, origin, day, amount_wei) SELECT ticket, origin, day, ? FROM debits "
            "WHERE ticket = ? ORDER BY debit_number DESC LIMIT 1",
            str(-amount),
            ticket,
        )
