"""Content, terms and server of each paid ticket, in a table on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from audit.epoch_totals import EpochTotals, paid_plays
from audit.spill import append, opened

ROWS_PER_PASS: Final = 1 << 23
"""Tickets that are compared at a time; a pass reads the whole table and keeps a part of its keys in memory."""
ROWS_PER_COMMIT: Final = 1 << 22
ROWS_PER_FETCH: Final = 1 << 14


class TicketTable:
    """The paid tickets of all epochs.

    A row has 20 bytes before compression: the station's and the ticket's number, the numbers of server with content and
    of terms, and the number of the epoch's file.

    Args:
        folder: Where the table is made.
        rows_per_pass: Tickets that are compared at a time.
    """

    def __init__(self, folder: Path, rows_per_pass: int = ROWS_PER_PASS) -> None:
        self._db = opened(folder / "tickets.duckdb")
        self._db.execute("CREATE TABLE tickets (key UBIGINT, fact UBIGINT, file UINTEGER)")
        self._db.execute("BEGIN")
        self._rows = self._uncommitted = 0
        self._rows_per_pass = rows_per_pass
        self._stations: dict[bytes, int] = {}
        self._contents: dict[bytes, int] = {}
        self._terms: dict[bytes, int] = {}
        self._epochs: list[int] = []

    def close(self) -> None:
        """Close the table."""
        self._db.close()

    def add(self, totals: EpochTotals) -> None:
        """Add the paid tickets of an epoch, whose file is open. Epochs are added in their order."""
        stations = _numbers(self._stations, totals.stations)
        contents = _numbers(self._contents, (totals.server + row.content for row in totals.contents))
        terms = _numbers(self._terms, (row.encode() for row in totals.terms))
        for plays in paid_plays(totals):
            key = stations[plays["station"]] << np.uint64(32) | plays["ticket"]
            fact = contents[plays["content"]] << np.uint64(32) | terms[plays["terms"]]
            file = np.full(len(plays), len(self._epochs), dtype=np.uint32)
            append(self._db, "tickets", {"key": key, "fact": fact, "file": file})
            self._rows += len(plays)
            self._uncommitted += len(plays)
            if self._uncommitted > ROWS_PER_COMMIT:
                self._db.execute("COMMIT")
                self._db.execute("BEGIN")
                self._uncommitted = 0
        self._epochs.append(totals.epoch)

    def differing(self) -> Iterator[tuple[bytes, int, int]]:
        """(station, ticket, epoch) of tickets with another content, terms or server than in the row before it."""
        self._db.execute("COMMIT")
        self._db.execute("CREATE TABLE differing (key UBIGINT)")
        passes = 1 + self._rows // self._rows_per_pass
        for number in range(passes):
            self._db.execute(
                "INSERT INTO differing SELECT key FROM tickets WHERE key % ? = ? "
                "GROUP BY key HAVING min(fact) <> max(fact)",
                [passes, number],
            )
        names = {number: station for station, number in self._stations.items()}
        found = self._db.execute(
            "SELECT key, file FROM (SELECT key, file, fact, lag(fact) OVER (PARTITION BY key ORDER BY file, fact) "
            "AS before FROM tickets SEMI JOIN differing USING (key)) WHERE before <> fact ORDER BY key, file"
        )
        while rows := found.fetchmany(ROWS_PER_FETCH):
            for key, file in rows:
                yield names[key >> 32], key & 0xFFFFFFFF, self._epochs[file]
        self._db.execute("BEGIN")


def _numbers(known: dict[bytes, int], names: Any) -> np.ndarray[Any, Any]:
    """A number for each name, by its first appearance in any epoch."""
    return np.array([known.setdefault(name, len(known)) for name in names] or [0], dtype=np.uint64)
