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

from native_host.ledger import migrations
from native_host.ledger.faults import failure
from native_host.ledger.invocation_store import InvocationStore
from native_host.ledger.receipt_store import ReceiptStore
from native_host.ledger.report_store import ReportStore
from native_host.ledger.scan_store import ScanStore
from native_host.ledger.site_store import SiteStore
from native_host.ledger.tables import VERSION
from native_host.ledger.voucher_store import VoucherStore
from pywallet.errors import Unavailable

BUSY_S: Final = 5.0
"""Longest wait for another host's transaction."""


def _make(path: Path) -> None:
    """Make an empty ledger beside its place and link it there, so that no host reads an incomplete one."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        db = sqlite3.connect(fresh, isolation_level=None)
        with contextlib.closing(db):
            # An invocation changes a row in each of six trees: small pages mean less to write before a key is released.
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


class Ledger(InvocationStore, ReportStore, SiteStore, VoucherStore, ScanStore, ReceiptStore):
    """The ledger of one GOMAA_HOME; several hosts may have it open.

    WAL with ``synchronous=FULL``: a committed transaction survives kill -9 and loss of power. Writers take turns
    (BEGIN IMMEDIATE), so a transaction decides on what it reads.
    """

    def __init__(self, path: Path) -> None:
        """Open the ledger at ``path``; make it where there is none, migrate it where it is older.

        Raises:
            Unavailable: ``host.ledger.version`` for a newer or unknown file, ``host.ledger.damaged`` for a damaged one,
                else as ``native_host.ledger.faults.failure``.
        """
        super().__init__()
        try:
            if not os.path.lexists(path):
                _make(path)
            elif not path.exists():
                raise Unavailable("host.folder.denied", reason=f"{path} is a link to nothing")
            os.close(os.open(path, os.O_RDWR))
            # ``_make`` leaves no empty file: an empty one has lost its contents.
            if path.stat().st_size == 0:
                raise Unavailable("host.ledger.damaged", reason=f"{path} is empty")
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, cached_statements=256)
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                # ``checkpoint`` empties the log while the host is idle; this is the bound if it never is.
                self._db.execute("PRAGMA wal_autocheckpoint=16000")
                self._open_version()
            except BaseException:
                self._db.close()
                raise
        except (sqlite3.Error, OSError) as e:
            raise failure(e) from None

    def _open_version(self) -> None:
        """Make the tables of an empty file, or migrate an older version's, in one transaction.

        Raises:
            Unavailable: ``host.ledger.version`` for a file of a newer or unknown version, which is not changed.
        """
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == VERSION:
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            # Another host may have migrated it meanwhile.
            if not migrations.supported(self._db):
                (version,) = self._db.execute("PRAGMA user_version").fetchone()
                raise Unavailable("host.ledger.version", found=version, expected=VERSION)
            migrations.migrate(self._db)
            self._db.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise

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
            self._rollback()
            raise failure(e) from None
        except BaseException:
            self._rollback()
            raise

    def _rollback(self) -> None:
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

    def integrity_faults(self) -> list[str]:
        """Faults that SQLite finds in the file's pages; an empty list for a sound ledger."""
        return [str(text) for (text,) in self._rows("PRAGMA quick_check(10)") if text != "ok"]

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file, without waiting for another host. For idle moments."""
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
