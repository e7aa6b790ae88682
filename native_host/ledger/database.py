"""One SQLite file, written in transactions that are on the disk before they return."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from native_host.ledger.faults import failure
from native_host.ledger.invocation_store import Counting
from native_host.ledger.receipt_store import Books
from native_host.ledger.report_store import Reporting
from native_host.ledger.scan_store import Scanning
from native_host.ledger.site_store import Granting
from native_host.ledger.tables import CHANGES, SCHEMA, VERSION
from native_host.ledger.voucher_store import Paying
from pywallet.errors import Unavailable

BUSY_S: Final = 5.0
"""So long one host waits for another's transaction."""


def _make(path: Path) -> None:
    """An empty ledger, whole at its place at once; one that another host made meanwhile stays."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        db = sqlite3.connect(fresh, isolation_level=None)
        with contextlib.closing(db):
            # An invocation changes a row in each of six trees: small pages, less to write before a key may leave.
            db.execute("PRAGMA page_size=2048")
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("VACUUM")
        with contextlib.suppress(FileExistsError):
            try:
                os.link(fresh, path)
            except FileExistsError:
                raise
            except OSError:
                # A file system without hard links.
                if not path.exists():
                    fresh.rename(path)
    finally:
        for file in (fresh, Path(f"{fresh}-wal"), Path(f"{fresh}-shm")):
            file.unlink(missing_ok=True)


class Ledger(Counting, Reporting, Granting, Paying, Scanning, Books):
    """The ledger of one GOMAA_HOME; several hosts may have it open.

    WAL with ``synchronous=FULL``: a committed transaction survives kill -9 and
    loss of power. Writers take turns (BEGIN IMMEDIATE), so what a transaction
    reads is what it decides on. Raises Unavailable ``host.ledger.failed``
    where the file cannot be written, ``host.ledger.damaged`` where it is spoilt.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            if not os.path.lexists(path):
                _make(path)
            elif not path.exists():
                raise Unavailable("host.folder.denied", reason=f"{path} is a link to nothing")
            os.close(os.open(path, os.O_RDWR))
            # A new one comes whole to its place: an empty file is one that has lost everything.
            if path.stat().st_size == 0:
                raise Unavailable("host.ledger.damaged", reason=f"{path} is empty")
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, cached_statements=256)
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                # The log is folded back when the host is idle (see `fold`); this is the bound when it never is.
                self._db.execute("PRAGMA wal_autocheckpoint=16000")
                self._create()
            except BaseException:
                self._db.close()
                raise
        except (sqlite3.Error, OSError) as e:
            raise failure(e) from None

    def _create(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == VERSION:
            return
        if version > VERSION:
            raise Unavailable("host.ledger.version", found=version, expected=VERSION)
        self._db.execute("BEGIN IMMEDIATE")
        for old in range(version, VERSION) if version else ():
            for change in CHANGES[old]:
                try:
                    self._db.execute(change)
                except sqlite3.OperationalError as e:
                    # A table that SCHEMA made meanwhile has the column.
                    if "duplicate column" not in str(e):
                        raise
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
            raise failure(e) from None
        try:
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as e:
            self._back()
            raise failure(e) from None
        except BaseException:
            self._back()
            raise

    def _back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(statement, values).fetchall()
        except sqlite3.Error as e:
            raise failure(e) from None

    def _change(self, statement: str, *values: Any) -> int:
        try:
            return self._db.execute(statement, values).rowcount
        except sqlite3.Error as e:
            raise failure(e) from None

    def faults(self) -> list[str]:
        """Faults that SQLite finds in the file's pages; an empty list for a sound ledger."""
        return [str(text) for (text,) in self._rows("PRAGMA quick_check(10)") if text != "ok"]

    def fold(self) -> None:
        """Move the log into the file; for idle moments. Never waits for another host."""
        self._rows("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
