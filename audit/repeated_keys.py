"""Keys that occur twice in a long sequence: neighbours where it ascends, a table on disk where it does not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from audit.faults import MOST
from audit.spill import append, opened

Keys = np.ndarray[Any, Any]


@dataclass
class RepeatedKeys:
    """Keys that occur twice or more, ascending: the first ``MOST``, and how many there are."""

    first: list[int] = field(default_factory=list)
    count: int = 0

    def take(self, keys: Iterable[int]) -> None:
        """Add keys, each once."""
        for key in keys:
            self.count += 1
            if self.count <= MOST:
                self.first.append(key)


class Neighbours:
    """Finds repeated keys in a sequence that never descends: 64-bit keys, given in parts."""

    def __init__(self) -> None:
        self.found = RepeatedKeys()
        self._last: int | None = None
        self._reported: int | None = None

    def add(self, keys: Keys) -> bool:
        """Add a part. Returns False if the sequence descends; what was found is then not all."""
        if not len(keys):
            return True
        whole = keys if self._last is None else np.concatenate([np.array([self._last], dtype=keys.dtype), keys])
        if bool((whole[1:] < whole[:-1]).any()):
            return False
        twice = np.unique(whole[1:][whole[1:] == whole[:-1]]).tolist()
        self.found.take(key for key in twice if key != self._reported)
        self._reported = twice[-1] if twice else self._reported
        self._last = int(whole[-1])
        return True


def repeated_keys(parts: Iterable[Keys]) -> RepeatedKeys:
    """Find repeated keys in any sequence, by a temporary table on disk."""
    found = RepeatedKeys()
    with tempfile.TemporaryDirectory(prefix="gomaa-audit-") as folder, opened(Path(folder) / "keys.duckdb") as database:
        database.execute("CREATE TABLE keys (key BIGINT)")
        database.execute("BEGIN")
        for keys in parts:
            append(database, "keys", {"key": keys})
        database.execute("COMMIT")
        rows = database.execute("SELECT key FROM keys GROUP BY key HAVING count(*) > 1 ORDER BY key")
        while some := rows.fetchmany(1 << 14):
            found.take(key for (key,) in some)
    return found
