"""Sums of plays by station, content and terms: in memory while they are few, else on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import duckdb
import numpy as np

from audit.spill import append, opened

IN_MEMORY: Final = 1 << 20
"""Most rows in memory: 60 MiB, and three times as much while they are merged."""
ROWS_PER_FETCH: Final = 1 << 14

KEYS: Final = ("station", "content", "terms")
SUMS: Final = ("intervals", "plays", "refused", "heard_s", "seeks", "listener_paid")
# A table has less than 2^32 plays and a play less than 2^32 seconds: no sum exceeds 64 bits.
GROUP: Final = np.dtype([*((name, "<u4") for name in KEYS), *((name, "<u8") for name in SUMS)])
Rows = np.ndarray[Any, Any]
Group = tuple[int, int, int, int, int, int, int, int, int]
"""Row numbers of station, content and terms, then the sums."""


class UsageGroups:
    """The groups of one epoch. Add all, call ``end``, then read; picklable after ``end``.

    Args:
        folder: Where a table on disk is made; without it a temporary folder, which this process alone can read.
        most: Rows in memory, instead of ``IN_MEMORY``.
    """

    def __init__(self, folder: Path | None = None, most: int | None = None) -> None:
        self._folder = folder
        self._most = IN_MEMORY if most is None else most
        self._pending: list[Rows] = []
        self._count = 0
        self._database: duckdb.DuckDBPyConnection | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._path: Path | None = None

    def add(self, rows: Rows) -> None:
        """Add partial sums, an array of ``GROUP``."""
        self._pending.append(rows)
        self._count += len(rows)
        if self._count > self._most:
            merged = _merged(self._pending)
            self._pending, self._count = [merged], len(merged)
            if self._count > self._most // 2:
                self._spill()

    def end(self) -> None:
        """Merge all that was added."""
        if self._database is None:
            self._pending = [_merged(self._pending)]
            return
        self._spill()
        sums = ", ".join(f"sum({name})::UBIGINT AS {name}" for name in SUMS)
        self._database.execute(
            f"CREATE TABLE groups AS SELECT station, content, terms, {sums} FROM parts GROUP BY ALL"  # noqa: S608
        )
        self._database.execute("DROP TABLE parts")
        self._database.close()
        self._database = None

    def __iter__(self) -> Iterator[Group]:
        """The groups, by station, content and terms."""
        if self._path is None:
            for first in range(0, len(self._pending[0]), ROWS_PER_FETCH):
                yield from self._pending[0][first : first + ROWS_PER_FETCH].tolist()
        else:
            yield from self._query("SELECT * FROM groups ORDER BY station, content, terms")

    def priced(self) -> Iterator[tuple[int, int]]:
        """Row numbers of each content and terms with paid intervals, in the order of their first group."""
        if self._path is None:
            rows = self._pending[0][self._pending[0]["intervals"] > 0]
            pairs = rows["content"].astype(np.uint64) << np.uint64(32) | rows["terms"]
            for index in np.sort(np.unique(pairs, return_index=True)[1]).tolist():
                yield int(rows["content"][index]), int(rows["terms"][index])
        else:
            yield from self._query(
                "SELECT content, terms FROM groups WHERE intervals > 0 GROUP BY content, terms "
                "ORDER BY min(station), content, terms"
            )

    def _query(self, query: str) -> Iterator[Any]:
        assert self._path is not None
        with opened(self._path, read_only=True) as database:
            found = database.execute(query)
            while rows := found.fetchmany(ROWS_PER_FETCH):
                yield from rows

    def _spill(self) -> None:
        if self._database is None:
            folder = self._folder
            if folder is None:
                self._temporary = tempfile.TemporaryDirectory(prefix="gomaa-audit-")
                folder = Path(self._temporary.name)
            # A name of its own: a worker that was killed may have left the table of its attempt.
            self._path = folder / f"groups-{uuid4().hex}.duckdb"
            self._database = opened(self._path)
            types = [*(f"{name} UINTEGER" for name in KEYS), *(f"{name} UBIGINT" for name in SUMS)]
            self._database.execute(f"CREATE TABLE parts ({', '.join(types)})")
        for rows in self._pending:
            append(self._database, "parts", {name: np.ascontiguousarray(rows[name]) for name in (*KEYS, *SUMS)})
        self._pending, self._count = [], 0

    def delete(self) -> None:
        """Delete a table on disk."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _merged(parts: list[Rows]) -> Rows:
    """One row for each group, in order."""
    rows = np.concatenate(parts) if parts else np.zeros(0, dtype=GROUP)
    if not len(rows):
        return rows
    rows = rows[np.lexsort((rows["terms"], rows["content"], rows["station"]))]
    first = np.ones(len(rows), dtype=bool)
    for name in KEYS:
        # The first row begins a group, and so does each that differs from the one before it in any key.
        differs = rows[name][1:] != rows[name][:-1]
        first[1:] = differs if name == KEYS[0] else first[1:] | differs
    starts = np.flatnonzero(first)
    out = rows[starts]
    for name in SUMS:
        out[name] = np.add.reduceat(rows[name], starts)
    return out
