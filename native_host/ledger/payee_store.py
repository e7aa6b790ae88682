"""Payees of this computer's wallets, and their earnings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields, replace
from typing import Any, Final

from native_host.ledger.base import Rows
from native_host.ledger.tables import PayeeRow, ReceiptRow

_PAYEE: Final = ", ".join(f"p.{f.name}" for f in fields(PayeeRow))
_RECEIPT: Final = ", ".join(f"r.{f.name}" for f in fields(ReceiptRow))
_OURS: Final = "FROM receipts r CROSS JOIN payees p ON p.payee = r.payee AND p.chain_id = r.chain_id AND p.wallet = ?"

Key = tuple[int, bytes, bytes, int]
"""Epoch, server, payee and chain id of a receipt: the order of lists, newest first."""
NEWEST: Final[Key] = (1 << 62, b"\xff" * 20, b"\xff" * 20, 1 << 62)


@dataclass(frozen=True)
class Totals:
    """Wei by state: not final, claimable, claimed, and at a payee's own address."""

    pending: int = 0
    claimable: int = 0
    claimed: int = 0
    at_payee: int = 0


class PayeeStore(Rows):
    """Reads and changes of a wallet's earnings. Changes belong inside ``Ledger.write``."""

    def __init__(self) -> None:
        self._totals: dict[bytes, tuple[int, Totals]] = {}
        self._changes = 0
        self.payee_changes = 0

    def changed_earnings(self) -> None:
        """Discard the cached totals."""
        self._changes += 1

    def add_payees(self, rows: Iterable[PayeeRow]) -> None:
        """Record payees; one that is recorded already stays as it is, except for a missing name."""
        for row in rows:
            self._change(
                "INSERT INTO payees "
                "(wallet, payee, chain_id, settlement, station_address, session_number, station_name) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "station_name = CASE WHEN station_name = '' THEN excluded.station_name ELSE station_name END",
                *astuple(row),
            )
        self.payee_changes += 1
        self.changed_earnings()

    def payee(self, wallet: bytes, payee: bytes, chain_id: int) -> PayeeRow | None:
        """A payee of a wallet on a chain. The same address has one row for each chain."""
        query = f"SELECT {_PAYEE} FROM payees p WHERE p.wallet = ? AND p.payee = ? AND p.chain_id = ?"  # noqa: S608
        rows = self._rows(query, wallet, payee, chain_id)
        return PayeeRow(*rows[0]) if rows else None

    def payees_after(self, wallet: bytes, chain_id: int, after: bytes, limit: int) -> list[PayeeRow]:
        """Payees of a wallet on a chain in the order of their addresses, beginning after ``after``."""
        rows = self._rows(
            f"SELECT {_PAYEE} FROM payees p WHERE p.wallet = ? AND p.payee > ? AND p.chain_id = ? "  # noqa: S608
            "ORDER BY p.payee LIMIT ?",
            wallet,
            after,
            chain_id,
            limit,
        )
        return [PayeeRow(*row) for row in rows]

    def payees_of(self, wallet: bytes, chain_id: int) -> set[bytes]:
        """All payees of a wallet on a chain."""
        return {
            row[0] for row in self._rows("SELECT payee FROM payees WHERE wallet = ? AND chain_id = ?", wallet, chain_id)
        }

    def is_payee(self, address: bytes) -> bool:
        """Return whether an address is a payee: one-time, without coin to move the tokens it receives."""
        query = "SELECT 1 FROM payees WHERE payee = ?1 UNION ALL SELECT 1 FROM sessions WHERE payee = ?1 LIMIT 1"
        return bool(self._rows(query, address))

    def earnings(
        self, wallet: bytes, after: Key, limit: int, state: str | None = None
    ) -> list[tuple[ReceiptRow, PayeeRow]]:
        """Receipts of a wallet after ``after``, newest epoch first.

        Args:
            wallet: First account of the wallet, 20 bytes.
            after: The last one of the page before; ``NEWEST`` for the first page.
            limit: Rows at most.
            state: ``open`` (not claimed), ``final`` (of these, of final epochs), ``claimable`` (of these, not at a
                payee), ``claimed``, ``unconfirmed`` (of these, without the network's confirmations); None: all.
        """
        where = {
            None: "",
            "open": "AND r.claim_transaction IS NULL",
            "final": "AND r.claim_transaction IS NULL AND r.final = 1",
            "claimable": "AND r.claim_transaction IS NULL AND r.final = 1 AND r.at_payee = 0",
            "claimed": "AND r.claim_transaction IS NOT NULL",
            "unconfirmed": "AND r.claim_transaction IS NOT NULL AND r.claim_confirmed = 0",
        }[state]
        rows = self._rows(
            f"SELECT {_RECEIPT}, {_PAYEE} {_OURS} WHERE (r.epoch, r.server, r.payee, r.chain_id) < (?, ?, ?, ?) "
            f"{where} "
            "ORDER BY r.epoch DESC, r.server DESC, r.payee DESC, r.chain_id DESC LIMIT ?",
            wallet,
            *after,
            limit,
        )
        size = len(fields(ReceiptRow))
        return [(as_receipt(row[:size]), PayeeRow(*row[size:])) for row in rows]

    def totals(self, wallet: bytes) -> Totals:
        """Sums of a wallet's receipts by state, cached until a change."""
        (version,) = self._rows("PRAGMA data_version")[0]
        now = hash((version, self._changes))
        cached = self._totals.get(wallet)
        if cached is None or cached[0] != now:
            # Most hours earn one of a few amounts.
            columns = "r.amount_wei, count(*), r.claim_transaction IS NULL, r.final, r.at_payee"
            query = f"SELECT {columns} {_OURS} GROUP BY 1, 3, 4, 5"
            sums = dict.fromkeys(("pending", "claimable", "claimed", "at_payee"), 0)
            for amount, count, unclaimed, final, at_payee in self._rows(query, wallet):
                state = "claimed" if not unclaimed else "at_payee" if at_payee else "claimable" if final else "pending"
                sums[state] += int(amount) * count
            cached = now, Totals(**sums)
            self._totals[wallet] = cached
        return cached[1]

    def unsettled(self, wallet: bytes, after: tuple[int, bytes, int], limit: int) -> list[tuple[bytes, int, int]]:
        """(server, epoch, chain id) of a wallet's receipts that are neither claimed nor final.

        Args:
            wallet: First account of the wallet, 20 bytes.
            after: (epoch, server, chain id) of the last one before; newest first.
            limit: Rows at most.
        """
        query = (
            f"SELECT DISTINCT r.server, r.epoch, r.chain_id {_OURS} WHERE r.claim_transaction IS NULL AND r.final = 0 "
            "AND (r.epoch, r.server, r.chain_id) < (?, ?, ?) ORDER BY r.epoch DESC, r.server DESC, r.chain_id DESC "
            "LIMIT ?"
        )
        return [tuple(row) for row in self._rows(query, wallet, *after, limit)]

    def set_final(self, server: bytes, epoch: int, chain_id: int) -> None:
        """Record that an epoch is final on the chain."""
        self._change(
            "UPDATE receipts SET final = 1 WHERE server = ? AND epoch = ? AND chain_id = ?", server, epoch, chain_id
        )
        self.changed_earnings()

    def set_claimed(
        self, row: ReceiptRow, transaction: str | None, at_payee: bool = False, confirmed: bool = False
    ) -> None:
        """Record how a receipt was claimed.

        Args:
            row: The receipt.
            transaction: Transaction that moved the amount to the wallet; None: there is none.
            at_payee: True if the amount is at a payee's own address.
            confirmed: True if the transaction has the network's confirmations.
        """
        self._change(
            "UPDATE receipts SET claim_transaction = ?, at_payee = ?, claim_confirmed = ? "
            "WHERE server = ? AND epoch = ? AND payee = ? AND chain_id = ?",
            transaction,
            int(at_payee),
            int(confirmed),
            row.server,
            row.epoch,
            row.payee,
            row.chain_id,
        )
        self.changed_earnings()

    def is_claim(self, transaction: str) -> bool:
        """Return whether a transaction claimed receipts of this ledger."""
        return bool(self._rows("SELECT 1 FROM receipts WHERE claim_transaction = ? LIMIT 1", transaction))

    def recent_sessions(self, wallet: bytes, since_ms: int, limit: int) -> list[tuple[bytes, str, bytes]]:
        """(server, URL, session) of plays since a time whose payees are a wallet's, the newest first."""
        rows = self._rows(
            "SELECT t.server, t.server_url, s.id FROM tickets t JOIN sessions s ON s.id = t.session "
            "JOIN payees p ON p.payee = s.payee AND p.chain_id = s.chain_id AND p.wallet = ? WHERE t.time_ms >= ? "
            "GROUP BY t.server, t.server_url, s.id ORDER BY max(t.time_ms) DESC LIMIT ?",
            wallet,
            since_ms,
            limit,
        )
        return [tuple(row) for row in rows]

    def play_sums(self, wallet: bytes, since_ms: int) -> list[tuple[str, int, int]]:
        """(station's domain, whole intervals, wei of one) of a wallet's plays since a time, without refused plays."""
        rows = self._rows(
            "SELECT t.station_domain, sum(t.heard_ms / (t.interval_s * 1000)), t.reward_wei "
            "FROM tickets t JOIN sessions s ON s.id = t.session "
            "JOIN payees p ON p.payee = s.payee AND p.chain_id = s.chain_id AND p.wallet = ? "
            "WHERE t.state NOT IN ('none', 'held') AND t.time_ms >= ? AND NOT EXISTS "
            "(SELECT 1 FROM invocations i WHERE i.session = t.session AND i.ticket = t.id AND i.state = 'refused' "
            "AND i.action = 'play') "
            "GROUP BY t.station_domain, t.reward_wei",
            wallet,
            since_ms,
        )
        return [(str(station), int(intervals), int(reward)) for station, intervals, reward in rows]

    def listeners(self, wallet: bytes) -> set[bytes]:
        """Listener keys of a wallet's sessions."""
        rows = self._rows(
            "SELECT DISTINCT s.listener FROM sessions s JOIN payees p ON p.payee = s.payee AND p.chain_id = "
            "s.chain_id WHERE p.wallet = ?",
            wallet,
        )
        return {row[0] for row in rows}


def as_receipt(values: tuple[Any, ...]) -> ReceiptRow:
    """A row of ``receipts``, its amount as an integer."""
    row = ReceiptRow(*values)
    return replace(row, amount_wei=int(row.amount_wei))
