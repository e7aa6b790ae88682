"""Name of a failing file."""

from __future__ import annotations

import sqlite3
from typing import Final

from pywallet.errors import Unavailable

_SPOILT: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def failure(error: sqlite3.Error | OSError) -> Unavailable:
    """``host.ledger.damaged`` where a file's pages are spoilt, ``host.ledger.failed`` for anything else, with the system's words."""
    spoilt = getattr(error, "sqlite_errorcode", 0) & 0xFF in _SPOILT
    return Unavailable("host.ledger.damaged" if spoilt else "host.ledger.failed", reason=str(error))
