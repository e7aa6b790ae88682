"""A server's database with a year of plays in it, written by SQL: what ``history`` measures beside an empty one.

Every play is one of the listeners and of the content that are measured, so that no query is quick only because the rows
are somebody else's. All that was owed is paid and every epoch is over, as after a year of work.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import LargeBinary, String, Text

from security_server.db.tables import METADATA

EPOCHS: Final = 8_760
"""A year of hours."""
FIRST: Final = 1_000_000_000
"""The first ticket's number; those of today begin at one."""
EACH: Final = 2
"""Invocations of a play: its begin and its end."""


def fill(
    path: Path, count: int, listeners: Sequence[tuple[bytes, bytes]], ids: Mapping[str, bytes], last: int, length_s: int
) -> None:
    """Write the past into a database whose tables are there and whose server is stopped.

    Args:
        path: The SQLite file.
        count: Tickets.
        listeners: Address and payee of each.
        ids: ``station``, ``content``, ``owner`` and ``device``.
        last: The newest epoch of the past.
        length_s: Seconds of an epoch.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "temp_store=MEMORY"):
            db.execute(f"PRAGMA {pragma}")
        indexes = [
            sql for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        ]
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall():
            db.execute(f'DROP INDEX "{name}"')
        db.execute("BEGIN")
        db.execute("CREATE TEMP TABLE who (n INTEGER PRIMARY KEY, listener BLOB, payee BLOB)")
        db.executemany("INSERT INTO who VALUES (?, ?, ?)", [(n, *one) for n, one in enumerate(listeners)])
        for table, rows, columns in _tables(count, len(listeners), last, length_s):
            _write(db, table, rows, columns, ids)
        db.execute("COMMIT")
        for sql in indexes:
            db.execute(sql)
        db.execute("PRAGMA journal_mode=WAL")


def _tables(count: int, listeners: int, last: int, length_s: int) -> Sequence[tuple[str, int, dict[str, str]]]:
    """Table, number of rows, and SQL for the columns that matter.

    ``i`` counts the rows, ``who`` is the row's listener.
    """
    epoch = f"({last} - {EPOCHS} + 1 + i * {EPOCHS} / {count})"
    start_s, ticket, number = f"({epoch} * {length_s})", "CAST(printf('%032d', i) AS BLOB)", f"({FIRST} + i)"
    # A session is of a week or less.
    session = f"CAST(printf('s%015d%016d', i * 52 / {count}, i % {listeners}) AS BLOB)"
    money = {"price": "'700'", "reward": "'300'", "interval_s": "10"}
    play = {
        "station_address": ":station",
        "content": ":content",
        "number": number,
        "payer": ":station",
        **money,
    }
    of_invocation = f"CAST(printf('%032d', i / {EACH}) AS BLOB)"
    at = f"({last} - {EPOCHS} + 1 + i / {EACH} * {EPOCHS} / {count})"
    return (
        (
            "sessions",
            52 * listeners,
            {
                "id": f"CAST(printf('s%015d%016d', i / {listeners}, i % {listeners}) AS BLOB)",
                "station_address": ":station",
                "listener": "who.listener",
                "device": ":device",
                "payee": "who.payee",
                "not_after_s": f"{last * length_s} - 86400",
            },
        ),
        (
            "tickets",
            count,
            {
                **play,
                "header_owner": ":owner",
                "id": ticket,
                "session": session,
                "listener": "who.listener",
                "payee": "who.payee",
                "bps": "500",
                "expiry_s": f"{start_s} + 3600",
                "opened_ms": f"{start_s} * 1000",
                "play_state": "'ended'",
                "start_action": "'play'",
                "heard_ms": "180000",
                "last_signed_ms": f"{start_s} * 1000",
                "heard_intervals": "18",
                "vouchered_intervals": "18",
                "unvouchered_intervals": "0",
            },
        ),
        (
            "invocations",
            EACH * count,
            {
                "session": f"CAST(printf('i%031d', i / {EACH}) AS BLOB)",
                "sequence": f"i % {EACH} + 1",
                "id": "CAST(printf('n%031d', i) AS BLOB)",
                "ticket": of_invocation,
                "action": f"CASE i % {EACH} WHEN 0 THEN 'play' ELSE 'stop' END",
                "position_ms": f"i % {EACH} * 180000",
                "epoch": at,
            },
        ),
        (
            "lines",
            count,
            {**play, "owner": ":owner", "epoch": epoch, "ticket": ticket, "settled_intervals": "18", "seconds": "180"},
        ),
        (
            "receipts",
            count,
            {
                "epoch": epoch,
                "payee": "who.payee",
                "source": ticket,
                "amount": "'5400'",
                "content": ":content",
                "session": session,
                "plays": "1",
                "seconds": "180",
            },
        ),
        (
            "debits",
            EPOCHS,
            {"epoch": f"{last} - {EPOCHS} + 1 + i", "payer": ":station", "net": "'1'", "cap": "'1'", "until": "'1'"},
        ),
        ("epoch_contents", EPOCHS, {"epoch": f"{last} - {EPOCHS} + 1 + i", "content": ":content"}),
        (
            "epochs",
            EPOCHS,
            {"epoch": f"{last} - {EPOCHS} + 1 + i", "settlement_state": "'missed'", "total": "'0'", "leaf_count": "1"},
        ),
    )


def _write(db: sqlite3.Connection, table: str, rows: int, columns: dict[str, str], ids: Mapping[str, bytes]) -> None:
    """Insert the rows; columns that nobody named and that must have a value get a plain one of their type."""
    values = dict(columns)
    for column in METADATA.tables[table].columns:
        if column.name not in values and not column.nullable and column.server_default is None:
            values[column.name] = _plain(column.type)
    names = ", ".join(f'"{name}"' for name in values)
    db.execute(
        f"""INSERT INTO {table} ({names})
            WITH RECURSIVE counted(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM counted WHERE i + 1 < {rows})
            SELECT {", ".join(values.values())} FROM counted JOIN who ON who.n = counted.i % (SELECT COUNT(*) FROM who)""",  # noqa: E501
        {name: value for name, value in ids.items() if f":{name}" in " ".join(values.values())},
    )


def _plain(kind: Any) -> str:
    if isinstance(kind, LargeBinary):
        return f"zeroblob({kind.length or 1})"
    text = getattr(kind, "impl", kind)
    return "'0'" if isinstance(text, (String, Text)) else "0"
