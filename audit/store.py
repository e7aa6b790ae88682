"""Temporary database of an audit: claims, and entries of posts."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

_SCHEMA: Final = """
CREATE TABLE claims (server BLOB, epoch INTEGER, payee BLOB, receiver BLOB, amount TEXT, tip TEXT, tx BLOB);
CREATE INDEX claims_of ON claims (server, epoch);
CREATE TABLE entries (
    server BLOB, epoch INTEGER, place INTEGER, payer BLOB, net TEXT, PRIMARY KEY (server, epoch, place)
);
"""


class AuditStore:
    """Claims and entries of posts, in a temporary database."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "audit.sqlite3", check_same_thread=False)
        self._db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + _SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def add_claim(
        self, server: bytes, epoch: int, payee: bytes, receiver: bytes, amount: int, tip: int, transaction: bytes
    ) -> None:
        """Record a ``Claimed`` event."""
        row = (server, epoch, payee, receiver, str(amount), str(tip), transaction)
        self._db.execute("INSERT INTO claims VALUES (?,?,?,?,?,?,?)", row)

    def claims(self, server: bytes, epoch: int) -> dict[bytes, tuple[int, int, bytes]]:
        """Payee to amount, tip and transaction."""
        query = "SELECT payee, amount, tip, tx FROM claims WHERE server = ? AND epoch = ?"
        return {
            payee: (int(amount), int(tip), tx) for payee, amount, tip, tx in self._db.execute(query, (server, epoch))
        }

    def set_entries(self, server: bytes, epoch: int, entries: tuple[tuple[bytes, int], ...]) -> None:
        """Record the debits of a post; replaces those of a refunded one."""
        self._db.execute("DELETE FROM entries WHERE server = ? AND epoch = ?", (server, epoch))
        rows = [(server, epoch, place, payer, str(net)) for place, (payer, net) in enumerate(entries)]
        self._db.executemany("INSERT INTO entries VALUES (?,?,?,?,?)", rows)

    def entries(self, server: bytes, epoch: int) -> tuple[tuple[bytes, int], ...]:
        """(payer, net wei) of a post, in order."""
        query = "SELECT payer, net FROM entries WHERE server = ? AND epoch = ? ORDER BY place"
        return tuple((payer, int(net)) for payer, net in self._db.execute(query, (server, epoch)))
