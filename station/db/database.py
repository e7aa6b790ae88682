"""Opens the station's database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from pywallet.errors import InputError


def open_engine(url: str) -> Engine:
    """An engine: SQLite with a write-ahead log, synced commits and serialised writers; others at SERIALIZABLE.

    Args:
        url: The SQLAlchemy URL.

    Raises:
        InputError: ``message.schema``: no database URL.
    """
    if not url.startswith("sqlite"):
        try:
            return sa.create_engine(url, isolation_level="SERIALIZABLE")
        except (sa.exc.ArgumentError, ValueError):
            # SQLAlchemy's message may repeat the URL, which may hold a password.
            raise InputError("message.schema", field="database", reason="no database URL") from None
    engine = sa.create_engine(url, connect_args={"check_same_thread": False, "timeout": 30})

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN is deferred: two readers could both become writers
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
