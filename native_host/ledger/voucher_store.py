"""Tickets that a listener of this computer pays, and the last voucher of each listener key."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass, fields, replace
from typing import Final

from native_host.ledger.base import Rows
from pywallet.rules.statement_check import as_value


@dataclass(frozen=True)
class PaymentRow:
    """A ticket that its listener pays.

    Attributes:
        ticket: Digest of the ticket, 32 bytes.
        server: Address of the server, 20 bytes.
        payer: Address of the listener key, 20 bytes.
        station_address: Address of the station, 20 bytes.
        station_domain: Domain of the station.
        chain_id: Chain of the settlement contract.
        ticket_number: Number of the ticket at its station.
        session: Digest of the session, 32 bytes.
        content: Address of the content, 20 bytes.
        price_wei: Price of an interval.
        bps: Commission when the ticket was opened, basis points.
        vouchered_intervals: Intervals covered by vouchers.
        agreed_bps: Highest commission at which vouchered intervals are valued, basis points.
        lost_intervals: Paid intervals of a play that the ledger has lost; otherwise 0.
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
    """The last voucher of a listener key at a server.

    Attributes:
        cap_wei: Cumulative gross amount.
        until_epoch: Epoch in which it ends.
        signed_json: The signed ``Voucher``; empty where only a later cap is known.
        sent: True if the server has it.
        agreed_value: Value of everything vouchered (``pywallet.rules.statement_check.as_value``).
        lines: Whole intervals by ticket number.
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
        """Record a ticket that its listener pays; one that is recorded already stays as it is."""
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
        """Record that the server has the last voucher."""
        self._change("UPDATE vouchers SET sent = 1 WHERE server = ? AND payer = ?", server, payer)

    def raise_vouchered(self, ticket: bytes, intervals: int, bps: int) -> None:
        """Raise the vouchered intervals of a ticket and the commission at which they are valued, if they are lower."""
        self._change(
            "UPDATE payments SET vouchered_intervals = max(vouchered_intervals, ?), agreed_bps = max(agreed_bps, ?) "
            "WHERE ticket = ?",
            intervals,
            bps,
            ticket,
        )

    def set_vouchered(self, ticket: bytes, intervals: int) -> None:
        """Set the intervals of a ticket that a voucher from another ledger of the same key covers."""
        self._change("UPDATE payments SET vouchered_intervals = ? WHERE ticket = ?", intervals, ticket)

    def release(self, ticket: bytes, amount: int) -> None:
        """Release a ticket's debit that was not played, on the day of the debit.

        Args:
            ticket: Digest of the ticket, 32 bytes.
            amount: Wei.
        """
        self._change(
            "INSERT INTO debits (ticket, origin, day, amount_wei) SELECT ticket, origin, day, ? FROM debits "
            "WHERE ticket = ? ORDER BY debit_number DESC LIMIT 1",
            str(-amount),
            ticket,
        )
