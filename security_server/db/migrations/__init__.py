"""Alembic migrations of the security server's database (decision 0054).

A release that changes ``security_server.db.tables`` adds a file under ``versions`` and its revision to ``REVISIONS``,
and to ``ONLINE`` if servers of the version before may run beside it (decision 0064).
"""

from __future__ import annotations

from typing import Final

REVISIONS: Final = ("0001", "0002")
"""Every schema version, oldest first. The last one is that of ``security_server.db.tables``."""

HEAD: Final = REVISIONS[-1]
"""The version that this program reads and writes."""

ONLINE: Final[frozenset[str]] = frozenset()
"""Revisions that only add: tables, indexes, and columns that are nullable or have a default of the database.

A program of the version before reads and writes such a database as its own.
"""
