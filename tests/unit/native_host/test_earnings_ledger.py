"""Receipts and payees in the ledger: replacement, migration, and separation of networks."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from native_host.ledger import Ledger, PayeeRow, ReceiptRow
from native_host.ledger.payee_store import NEWEST

VECTORS = Path(__file__).parents[2] / "vectors"
WALLET, STATION, SERVER = (bytes([n]) * 20 for n in (1, 3, 4))
CHAIN_ID, SETTLEMENT = 31337, bytes([5]) * 20
RECEIPTS_6 = (
    "CREATE TABLE receipts (server BLOB NOT NULL, epoch INTEGER NOT NULL, payee BLOB NOT NULL, chain_id INTEGER NOT "
    "NULL, "
    "settlement BLOB NOT NULL, amount TEXT NOT NULL, signed TEXT NOT NULL, detail TEXT NOT NULL, content BLOB NOT "
    "NULL, "
    "station TEXT NOT NULL, claimed TEXT, PRIMARY KEY (server, epoch, payee)) WITHOUT ROWID"
)
"""Table of version 6."""


def payee(number: int) -> bytes:
    """The payee of an hour."""
    return number.to_bytes(20, "big")


def test_a_signed_receipt_replaces_a_leaf(tmp_path: Path) -> None:
    """Of equal amounts the signed one stays with its state; a greater amount counts."""

    def row(amount: int, signed: str = "null", content: bytes = b"") -> ReceiptRow:
        return ReceiptRow(SERVER, 7, payee(9), CHAIN_ID, SETTLEMENT, amount, signed, "null", content, "radio.example")

    with Ledger(tmp_path / "ledger.sqlite") as ledger, ledger.write():
        ledger.add_payees([PayeeRow(WALLET, payee(9), CHAIN_ID, SETTLEMENT, STATION, 9)])
        ledger.add_leaf(row(5))
        ledger.set_final(SERVER, 7, CHAIN_ID)
        assert ledger.add_receipt(row(5, "{}", bytes(20)))
        assert not ledger.add_receipt(row(4, "{}", bytes(20)))
        ledger.add_leaf(row(8))
        ledger.add_leaf(row(6))
        ((found, of),) = ledger.earnings(WALLET, NEWEST, 9)
        assert (found.amount_wei, found.signed_json, found.final, of.session_number) == (8, "{}", 1, 9)


def test_claims_without_transaction_of_version_6_are_searched_again(tmp_path: Path) -> None:
    """Claims of other installations have no transaction in it."""
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as db:
        db.executescript((VECTORS / "ledger" / "7.sql").read_text())
        for table in ("receipts", "payees", "scans", "scan_posts", "candidates"):
            db.execute(f"DROP TABLE {table}")
        db.execute(RECEIPTS_6)
        db.execute("CREATE INDEX receipts_payee ON receipts (payee)")
        row = (SERVER, 7, payee(9), CHAIN_ID, SETTLEMENT, "5", "{}", "{}", bytes(20), "radio.example")
        for epoch, claimed in ((7, "elsewhere"), (8, "0xabc"), (9, None)):
            db.execute(f"INSERT INTO receipts VALUES ({', '.join('?' * 11)})", (SERVER, epoch, *row[2:], claimed))
        db.execute("PRAGMA user_version=6")
    with Ledger(path) as again:
        found = [row for epoch in (7, 8, 9) if (row := again.receipt(SERVER, epoch, payee(9))) is not None]
        assert [
            (row.claim_transaction, row.final, row.at_payee, row.claim_confirmed, row.amount_wei) for row in found
        ] == [
            (None, 0, 0, 0, 5),
            ("0xabc", 0, 0, 1, 5),
            (None, 0, 0, 0, 5),
        ]
        assert again.payees_of(WALLET, CHAIN_ID) == set()


def test_a_ledger_of_version_7_keeps_receipts_payees_and_scan(tmp_path: Path) -> None:
    """Its tables with their rows become those of this version."""
    path, fresh = tmp_path / "ledger.sqlite", tmp_path / "fresh.sqlite"
    with sqlite3.connect(path) as db:
        db.executescript((VECTORS / "ledger" / "7.sql").read_text())
        for epoch, claimed, final, lies in ((7, None, 1, 0), (8, "0xabc", 1, 0), (9, None, 0, 0), (10, None, 1, 1)):
            row = (
                SERVER,
                epoch,
                payee(9),
                CHAIN_ID,
                SETTLEMENT,
                "5",
                "{}",
                "{}",
                bytes(20),
                "radio.example",
                claimed,
                final,
                lies,
            )
            db.execute(f"INSERT INTO receipts VALUES ({', '.join('?' * 13)})", row)
        db.execute(
            "INSERT INTO payees VALUES (?, ?, ?, ?, ?, ?, ?)",
            (WALLET, payee(9), CHAIN_ID, SETTLEMENT, STATION, 9, "Radio"),
        )
        db.execute(
            "INSERT INTO scan_posts VALUES (?, ?, ?, ?, ?, ?, ?)",
            (WALLET, CHAIN_ID, SETTLEMENT, 7, SERVER, bytes(32), None),
        )
    with Ledger(path) as again, Ledger(fresh) as made:
        found = [
            row for epoch in (7, 8, 9, 10) if (row := again.receipt(SERVER, epoch, payee(9), CHAIN_ID)) is not None
        ]
        assert [
            (row.amount_wei, row.claim_transaction, row.final, row.at_payee, row.claim_confirmed) for row in found
        ] == [
            (5, None, 1, 0, 0),
            (5, "0xabc", 1, 0, 1),
            (5, None, 0, 0, 0),
            (5, None, 1, 1, 0),
        ]
        assert again.payees_of(WALLET, CHAIN_ID) == {payee(9)}
        assert again._rows("SELECT epoch, retry_round FROM scan_posts") == [(7, 0)]
        tables = (
            "SELECT m.name, i.name, i.pk FROM sqlite_master m JOIN pragma_table_info(m.name) i WHERE m.type = "
            "'table' ORDER BY 1, 3, 2"
        )
        indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1"
        assert again._rows(tables) == made._rows(tables)
        assert again._rows(indexes) == made._rows(indexes)


def test_receipts_of_networks_are_separate(tmp_path: Path) -> None:
    """The wallet has the same payees on all networks.

    A network with the same server, epoch and payee changes no amount of another.
    """
    false = 666

    def row(chain_id: int, amount: int) -> ReceiptRow:
        return ReceiptRow(SERVER, 7, payee(9), chain_id, SETTLEMENT, amount, "null", "null", b"", "radio.example")

    with Ledger(tmp_path / "ledger.sqlite") as ledger, ledger.write():
        for chain_id, amount in ((false, 10**20), (CHAIN_ID, 5)):
            ledger.add_payees([PayeeRow(WALLET, payee(9), chain_id, SETTLEMENT, STATION, 9)])
            ledger.add_leaf(row(chain_id, amount))
        ledger.set_final(SERVER, 7, false)
        ledger.set_claimed(row(false, 0), "0xabc")
        true = ledger.receipt(SERVER, 7, payee(9), CHAIN_ID)
        assert true is not None
        assert (true.amount_wei, true.final, true.claim_transaction) == (5, 0, None)
        assert [one.payee for one in ledger.payees_after(WALLET, CHAIN_ID, b"", 9)] == [payee(9)]
        assert ledger.unsettled(WALLET, (1 << 62, SERVER, 0), 9) == [(SERVER, 7, CHAIN_ID)]
        # Page by page each comes once.
        first = ledger.earnings(WALLET, NEWEST, 1)
        after = (first[0][0].epoch, first[0][0].server, first[0][0].payee, first[0][0].chain_id)
        rest = ledger.earnings(WALLET, after, 9)
        assert sorted(found.chain_id for found, _ in first + rest) == [false, CHAIN_ID]
