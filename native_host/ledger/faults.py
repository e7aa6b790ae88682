"""Error codes of SQLite and file-system failures."""

from __future__ import annotations

import errno
import sqlite3
from typing import Final

from pywallet.errors import GomaaError, InputError, Unavailable

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_DENIED: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ELOOP, errno.EEXIST})
"""Of a folder that is not writable, or whose path is something else."""
_DISK: Final = _FULL | {errno.EROFS, errno.EIO}
"""Of an open file; such errors have no file name."""
_SQLITE: Final = {
    sqlite3.SQLITE_FULL: "host.disk.full",
    sqlite3.SQLITE_READONLY: "host.folder.denied",
    sqlite3.SQLITE_CANTOPEN: "host.folder.denied",
    sqlite3.SQLITE_PERM: "host.folder.denied",
    sqlite3.SQLITE_BUSY: "host.ledger.busy",
    sqlite3.SQLITE_LOCKED: "host.ledger.busy",
    sqlite3.SQLITE_CORRUPT: "host.ledger.damaged",
    sqlite3.SQLITE_NOTADB: "host.ledger.damaged",
    # Tables that are missing or of another shape: statements are constant, so the file is at fault.
    sqlite3.SQLITE_ERROR: "host.ledger.damaged",
    sqlite3.SQLITE_SCHEMA: "host.ledger.damaged",
}


def failure(error: sqlite3.Error | OSError) -> Unavailable:
    """The coded error of an SQLite or file-system failure.

    Returns:
        ``host.disk.full``, ``host.folder.denied``, ``host.ledger.busy``, ``host.ledger.damaged``, or
        ``host.ledger.failed`` for any other. The system's message is its ``reason``, which stays on this computer.
    """
    return Unavailable(_code(error), reason=str(error))


def request_failure(error: Exception) -> GomaaError:
    """The coded error of a request that failed unexpectedly.

    Returns:
        As ``failure`` for SQLite and files; ``host.version`` where a module cannot be imported, since an update has
        replaced the files of this process; else ``internal``.
    """
    if isinstance(error, ImportError):
        return InputError("host.version")
    # Name resolution and certificates raise OSError too.
    file = isinstance(error, OSError) and (error.filename is not None or error.errno in _DISK)
    return failure(error) if file or isinstance(error, sqlite3.Error) else GomaaError("internal")  # type: ignore[arg-type]


def _code(error: sqlite3.Error | OSError) -> str:
    if isinstance(error, OSError):
        if error.errno in _FULL:
            return "host.disk.full"
        if error.errno == errno.EISDIR:
            return "host.ledger.damaged"
        return "host.folder.denied" if error.errno in _DENIED else "host.ledger.failed"
    number = getattr(error, "sqlite_errorcode", 0)
    return (
        "host.disk.full" if number == sqlite3.SQLITE_IOERR_SHMSIZE else _SQLITE.get(number & 0xFF, "host.ledger.failed")
    )
