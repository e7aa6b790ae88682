"""Time limits of a session with PostgreSQL, so that a process that stops or is cut off delays no other (decision 0065).

Limits that PostgreSQL keeps end what a stopped process has begun; limits in this process end what PostgreSQL, or the
network to it, does not answer.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

BEAT_S: Final = 1.0
"""Interval in which the leading process shows that it runs, seconds."""

IDLE_S: Final = 4.0
"""Silence after which PostgreSQL ends a transaction, and the session of the leading process, seconds."""

LOCK_S: Final = 3.0
"""Longest wait for a lock of another transaction, seconds."""

TRANSACTION_S: Final = 5.0
"""Longest transaction of a request, seconds; its connection is ended then."""

ANSWER_S: Final = 7.0
"""Time after which a request is refused whose transaction has not ended, seconds."""

STATEMENT_S: Final = 60.0
"""Longest statement or commit of the leading process, seconds: an epoch of a million leaves is written in one."""

CONNECT_S: Final = 3
"""Longest attempt to connect, seconds."""

START_S: Final = 60.0
"""Silence after which a process that creates the tables no longer keeps others from it, seconds."""

_SCAN_S: Final = 0.25

_RETRYABLE: Final = frozenset({"40001", "40P01", "55P03"})
"""SQLSTATE of transactions that can be tried again: serialization_failure, deadlock_detected, lock_not_available."""

_UNAVAILABLE: Final = ("08", "53", "57", "25P03", "25006", "0A000")
"""Beginnings of SQLSTATE of a server that cannot serve now.

Connection, resources, operator's intervention; a transaction that was idle too long; a standby, which takes no writes.
"""


def arguments(url: URL) -> dict[str, Any]:
    """Arguments of the driver with the limits; what the URL names is left as it is."""
    defaults: dict[str, Any] = {
        "connect_timeout": CONNECT_S,
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        "keepalives_count": 3,
        "tcp_user_timeout": int(TRANSACTION_S * 1000),
        "target_session_attrs": "read-write",
    }
    limits = {"lock_timeout": LOCK_S, "idle_in_transaction_session_timeout": IDLE_S}
    own = " ".join(f"-c {name}={int(seconds * 1000)}" for name, seconds in limits.items())
    given = url.query.get("options", "")
    options = {"options": f"{own} {given if isinstance(given, str) else ' '.join(given)}".strip()}
    return {**{name: value for name, value in defaults.items() if name not in url.query}, **options}


def execute_each(cursor: Any, sql: str, rows: Sequence[Any], _context: Any = None) -> bool:
    """Run a statement for each row, one after the other; returns True: SQLAlchemy does nothing more.

    The driver's ``executemany`` sends them in a pipeline, after which PostgreSQL 15 does not end a transaction that is
    idle: a process that stops then would keep its locks for ever.
    """
    for row in rows:
        cursor.execute(sql, row)
    return True


def is_retryable(error: BaseException) -> bool:
    """True if a transaction can be tried again: it failed because of a concurrent one."""
    return isinstance(error, DBAPIError) and _state(error) in _RETRYABLE


def is_unavailable(error: BaseException) -> bool:
    """True if the database did not answer or refused to serve: the connection is lost, or the server is not ready."""
    if not isinstance(error, DBAPIError):
        return False
    state = _state(error)
    if state is None:
        # SQLite's errors have no state, and its file does not go away.
        return error.connection_invalidated or (
            type(error.orig).__name__ == "OperationalError" and hasattr(error.orig, "sqlstate")
        )
    return state.startswith(_UNAVAILABLE)


def _state(error: DBAPIError) -> str | None:
    # psycopg's and psycopg2's name of it.
    state: str | None = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    return state


class Deadlines:
    """Ends connections whose operation takes too long: a driver waits without limit for an answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[object, tuple[float, socket.socket]] = {}
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def limit(self, driver: Any, seconds: float) -> Iterator[None]:
        """Limit what is done inside: then the connection is shut down, and the driver reports that it is lost.

        Args:
            driver: The driver's connection.
            seconds: The limit.
        """
        try:
            # A socket of its own: the driver may close its descriptor, and another one get the same number.
            own = socket.fromfd(driver.fileno(), socket.AF_INET, socket.SOCK_STREAM)
        except Exception:
            # The connection is closed already; what is done inside fails at once.
            yield
            return
        key = object()
        with self._lock:
            self._open[key] = (time.monotonic() + seconds, own)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="gomaa-deadlines", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                del self._open[key]
                own.close()

    def close(self) -> None:
        """End the watch."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(_SCAN_S):
            now = time.monotonic()
            with self._lock:
                for due, own in self._open.values():
                    if now >= due:
                        with suppress(OSError):
                            own.shutdown(socket.SHUT_RDWR)
