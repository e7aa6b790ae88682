"""Temporary files of an audit: claims, entries of posts, and the terms of each ticket."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from audit.epoch_totals import EpochTotals
from pywallet.crypto import keccak256
from pywallet.protocol.outcomes import PlayOutcome

_SCHEMA: Final = """
CREATE TABLE claims (server BLOB, epoch INTEGER, payee BLOB, receiver BLOB, amount TEXT, tip TEXT, tx BLOB);
CREATE INDEX claims_of ON claims (server, epoch);
CREATE TABLE entries (
    server BLOB, epoch INTEGER, place INTEGER, payer BLOB, net TEXT, PRIMARY KEY (server, epoch, place)
);
"""
BUCKETS: Final = 256
_TICKET: Final = np.dtype([("key", "<u8"), ("fact", "<u8"), ("epoch", "<i8")])


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


class TicketFiles:
    """Content, terms and server of each ticket in all epochs, in files small enough to sort in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "tickets"
        self._folder.mkdir()
        self._stations: dict[bytes, int] = {}
        self._facts: dict[tuple[Any, ...], int] = {}

    def add(self, totals: EpochTotals) -> None:
        """Add the paid tickets of an epoch. Raises InputError if the data have changed meanwhile."""
        numbers = [self._stations.setdefault(station, len(self._stations)) for station in totals.stations]
        stations = np.array(numbers or [0], dtype=np.uint64)
        facts_of: dict[tuple[int, int], int] = {}
        for plays in totals.file.plays():
            valid = plays[
                (plays["outcome"] != PlayOutcome.REFUSED)
                & (plays["station"] < len(totals.stations))
                & (plays["content"] < len(totals.contents))
            ]
            valid = valid[valid["terms"] < len(totals.terms)]
            if not len(valid):
                continue
            pair = valid["content"].astype(np.int64) << 32 | valid["terms"].astype(np.int64)
            pairs, where = np.unique(pair, return_inverse=True)
            hashes = np.array([self._fact(totals, int(number), facts_of) for number in pairs], dtype=np.uint64)
            records = np.empty(len(valid), dtype=_TICKET)
            records["key"] = stations[valid["station"].astype(np.int64)] << np.uint64(32) | valid["ticket"].astype(
                np.uint64
            )
            records["fact"] = hashes[where]
            records["epoch"] = totals.epoch
            self._write(records)

    def _fact(self, totals: EpochTotals, pair: int, facts_of: dict[tuple[int, int], int]) -> int:
        content, terms = pair >> 32, pair & 0xFFFFFFFF
        if (content, terms) not in facts_of:
            row = totals.terms[terms]
            text = totals.server + totals.contents[content].content + row.encode()
            facts_of[content, terms] = int.from_bytes(keccak256(text)[:8], "big")
        return facts_of[content, terms]

    def _write(self, records: Any) -> None:
        # Ticket numbers are consecutive: a few thousand neighbours share a file.
        buckets = (records["key"] >> np.uint64(12)) % np.uint64(BUCKETS)
        for bucket in np.unique(buckets).tolist():
            with (self._folder / str(bucket)).open("ab") as file:
                file.write(records[buckets == bucket].tobytes())

    def differing(self) -> Iterator[tuple[bytes, int, int]]:
        """(station, ticket, epoch) of tickets with two different contents, terms or servers."""
        names = {number: station for station, number in self._stations.items()}
        for path in sorted(self._folder.iterdir()):
            records = np.fromfile(path, dtype=_TICKET)
            records.sort(order=["key", "epoch"])
            same = (records["key"][1:] == records["key"][:-1]) & (records["fact"][1:] != records["fact"][:-1])
            for record in records[1:][same]:
                key = int(record["key"])
                yield names[key >> 32], key & 0xFFFFFFFF, int(record["epoch"])
