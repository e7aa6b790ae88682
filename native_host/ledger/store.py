"""One SQLite file, written in transactions that are on the disk before they return."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from native_host.ledger.books import Books
from native_host.ledger.counting import Counting
from native_host.ledger.granting import Granting
from native_host.ledger.paying import Paying
from native_host.ledger.reporting import Reporting
from native_host.ledger.tables import CHANGES, SCHEMA, VERSION
from pywallet.errors import Unavailable

BUSY_S: Final = 5.0
"""So long one host waits for another's transaction."""


class Ledger(Counting, Reporting, Granting, Paying, Books):
    """The ledger of one GOMAA_HOME; several hosts may have it open.

    WAL with ``synchronous=FULL``: a committed transaction survives kill -9 and
    loss of power. Writers take turns (BEGIN IMMEDIATE), so what a transaction
    reads is what it decides on. Raises Unavailable ``host.ledger.failed``
    where the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            os.close(descriptor)
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, cached_statements=256)
            # An invocation changes a row in each of six trees: small pages, less to write before a key may leave.
            self._db.execute("PRAGMA page_size=2048")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            # The log is folded back when the host is idle (see `fold`); this is the bound when it never is.
            self._db.execute("PRAGMA wal_autocheckpoint=16000")
            self._create()
        except (sqlite3.Error, OSError) as e:
            raise Unavailable("host.ledger.failed", reason=str(e)) from None

    def _create(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == VERSION:
            return
        if version > VERSION:
            raise Unavailable("host.ledger.failed", reason=f"written by a newer host (version {version})")
        self._db.execute("BEGIN IMMEDIATE")
        for old in range(version, VERSION) if version else ():
            for change in CHANGES[old]:
                self._db.execute(change)
        for statement in SCHEMA.split(";\n"):
            self._db.execute(statement)
        self._db.execute(f"PRAGMA user_version={VERSION}")
        self._db.execute("COMMIT")

    @contextmanager
    def write(self) -> Iterator[None]:
        """A transaction: all of its changes are on the disk when it ends, or none of them."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as e:
            raise Unavailable("host.ledger.failed", reason=str(e)) from None
        try:
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as e:
            self._back()
            raise Unavailable("host.ledger.failed", reason=str(e)) from None
        except BaseException:
            self._back()
            raise

    def _back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(statement, values).fetchall()
        except sqlite3.OperationalError as e:
            raise Unavailable("host.ledger.failed", reason=str(e)) from None

    def _change(self, statement: str, *values: Any) -> int:
        return self._db.execute(statement, values).rowcount

    def fold(self) -> None:
        """Move the log into the file; for idle moments. Never waits for another host."""
        self._rows("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
