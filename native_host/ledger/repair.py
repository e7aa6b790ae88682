"""Salvage of a damaged ledger: every readable row in a new file, with no count lower than before.

A damaged page loses its own rows only, so a table is read from both ends and from many places between them. Lost rows
do not raise any limit: counters are the highest that the usage table and the invocations prove; where both have gaps, a
content whose counter is lost counts as used up; leases end, so that the next play uses the server's counts; where
debits have gaps, the budgets of sites become 0. Where earnings have gaps, the recovery scan begins anew.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from native_host.ledger import migrations
from native_host.ledger.database import Ledger
from native_host.ledger.faults import failure
from native_host.ledger.tables import VERSION
from pywallet.errors import Unavailable

USED_UP: Final = 1 << 31
"""A counter above every limit, for contents whose counter is lost."""

_TABLES: Final = {
    "contents": ("content",),
    "sessions": ("id",),
    "tickets": ("id",),
    "invocations": ("session", "sequence"),
    "refusals": ("refusal_number",),
    "usage": ("listener", "content"),
    "tag_secrets": ("server", "listener", "content"),
    "destructions": ("content", "listener"),
    "leases": ("ticket",),
    "receipts": ("server", "epoch", "payee", "chain_id"),
    "sites": ("origin",),
    "debits": ("debit_number",),
    "payments": ("ticket",),
    "vouchers": ("server", "payer"),
    "payees": ("wallet", "payee", "chain_id"),
    "scans": ("wallet", "chain_id", "settlement"),
    "scan_posts": ("wallet", "chain_id", "settlement", "epoch", "server"),
}
_EARNINGS: Final = frozenset({"payees", "receipts", "scans", "scan_posts"})
_NUMBERED: Final = ("refusals", "debits")
_OLD_NAMES: Final = {table: {new: old for old, new in names.items()} for table, names in migrations.RENAMED.items()}
_SITES: Final = ("http://", "https://", "file://")
_PROBES: Final = 1024
_STEP: Final = 8
_ANEW: Final = "gomaa host repair --anew puts it aside and begins a new one, and the servers keep their counts"
_IN_USE: Final = "a browser has it open: close all browsers, then try again"

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Salvage:
    """Rows read by table, the tables with gaps, contents that count as used up, and the damaged file's new path."""

    rows: dict[str, int]
    gaps: tuple[str, ...]
    used_up: int
    kept: Path


def repair(path: Path, anew: bool = False) -> Salvage | None:
    """Replace a damaged ledger; None where it is sound or there is none.

    Args:
        path: The ledger. The damaged file stays beside it under another name.
        anew: True: a ledger of which nothing can be read is set aside, and the host makes an empty one.

    Raises:
        Unavailable: ``host.ledger.busy`` where it is in use, ``host.ledger.damaged`` where nothing of it can be read,
            ``host.ledger.version`` where a newer host wrote it, else as ``native_host.ledger.faults.failure``.
    """
    try:
        if path.is_symlink() and not path.exists():
            raise Unavailable("host.folder.denied", reason=f"{path} is a link to nothing")
        if path.exists() and not path.is_file():
            raise Unavailable("host.ledger.damaged", reason=f"{path} is no file: {_ANEW}")
        return _repair(path) if path.exists() else None
    except Unavailable as e:
        if not anew or e.code != "host.ledger.damaged":
            raise
        return Salvage({}, tuple(_TABLES), 0, _set_aside(path))
    except (sqlite3.Error, OSError) as e:
        raise failure(e) from None


def _repair(path: Path) -> Salvage | None:
    # A file without permission is not damaged.
    for end in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.close(os.open(f"{path}{end}", os.O_RDWR))
    with contextlib.closing(sqlite3.connect(path, timeout=0.5, isolation_level=None)) as old:
        old.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        old.execute("PRAGMA locking_mode=EXCLUSIVE")
        _require_exclusive(old)
        with contextlib.suppress(sqlite3.Error):
            if path.stat().st_size and old.execute("PRAGMA quick_check(1)").fetchone() == ("ok",) and _is_intact(old):
                return None
        found, gaps = {}, []
        for table, key in _TABLES.items():
            found[table], whole = _read(old, table, key)
            if not whole:
                gaps.append(table)
        if not any(found.values()):
            raise Unavailable("host.ledger.damaged", reason=f"nothing of it can be read: {_ANEW}")
        fresh = path.with_name(f".{path.name}.repaired.{os.getpid()}")
        try:
            used_up = _write(fresh, found, frozenset(gaps))
            kept = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
            for end in ("", "-wal"):
                if Path(f"{path}{end}").exists():
                    shutil.copy2(f"{path}{end}", f"{kept}{end}")
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
    # SQLite would apply the log of the old file to the new one.
    for end in ("-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    fresh.replace(path)
    return Salvage({table: len(rows) for table, rows in found.items()}, tuple(gaps), used_up, kept)


def _is_intact(old: sqlite3.Connection) -> bool:
    """Return whether a sound file has the tables of its version. Raises Unavailable ``host.ledger.version``."""
    (version,) = old.execute("PRAGMA user_version").fetchone()
    if not migrations.supported(old) and version:
        raise Unavailable("host.ledger.version", found=version, expected=VERSION)
    tables = {name for (name,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return version < VERSION or tables >= _TABLES.keys()


def _set_aside(path: Path) -> Path:
    """Move a ledger and its log to another name, and return the new path."""
    kept = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    for end in ("", "-wal", "-shm"):
        if Path(f"{path}{end}").exists():
            Path(f"{path}{end}").replace(f"{kept}{end}")
    return kept


def _require_exclusive(old: sqlite3.Connection) -> None:
    """Refuse while another host has the ledger open, since it would write to the file that is set aside.

    Raises:
        Unavailable: ``host.ledger.busy``.
    """
    try:
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()
        old.execute("BEGIN IMMEDIATE")
        old.execute("ROLLBACK")
    except sqlite3.DatabaseError as e:
        if getattr(e, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise Unavailable("host.ledger.busy", reason=_IN_USE) from None


def _read(old: sqlite3.Connection, table: str, key: Key) -> tuple[dict[Key, dict[str, Any]], bool]:
    """Read a table of any version.

    Returns:
        Its rows by key, with the column names of this version; and True if there is no gap among them.
    """
    found: dict[Key, dict[str, Any]] = {}
    stored = _stored_key(old, table, key)
    ascending, descending = ", ".join(stored), ", ".join(f"{name} DESC" for name in stored)
    renamed = migrations.RENAMED.get(table, {})

    def run(where: str, values: Key, order: str = ascending) -> bool:
        """Read until the end, a damaged page or a row that was read before; True for the end."""
        try:
            rows = old.execute(f"SELECT * FROM {table} {where} ORDER BY {order}", values)  # noqa: S608
            names = [renamed.get(column[0], column[0]) for column in rows.description]
            for values in rows:
                row = dict(zip(names, values, strict=True))
                place = tuple(row[name] for name in key)
                if place in found:
                    return False
                found[place] = row
        except sqlite3.Error:
            return False
        return True

    if run("", ()):
        return found, True
    run("", (), descending)
    for where, values in _probes(table, stored, found):
        run(where, values)
    return found, False


def _stored_key(old: sqlite3.Connection, table: str, key: Key) -> Key:
    """The key's columns by their names in the file: a ledger of version 8 or before has other names."""
    columns: set[str] = set()
    with contextlib.suppress(sqlite3.Error):
        columns = {column[0] for column in old.execute(f"SELECT * FROM {table} LIMIT 0").description}  # noqa: S608
    names = _OLD_NAMES.get(table, {})
    return tuple(name if name in columns else names.get(name, name) for name in key)


def _probes(table: str, key: Key, found: dict[Key, dict[str, Any]]) -> Iterator[tuple[str, Key]]:
    """Conditions at which to resume reading between damaged pages."""
    first = key[0]
    if table in _NUMBERED:
        numbers = [int(place[0]) for place in found] or [0]
        for number in range(min(numbers), max(numbers) + 1, max(1, (max(numbers) - min(numbers)) // _PROBES)):
            yield f"WHERE {first} >= ?", (number,)
    elif table == "sites":
        for scheme in _SITES:
            for code in range(33, 127):
                yield f"WHERE {first} >= ?", (scheme + chr(code),)
    else:
        for number in range(0, 1 << 16, (1 << 16) // _PROBES):
            yield f"WHERE {first} >= ?", (number.to_bytes(2, "big"),)
    if table == "invocations":
        last: dict[bytes, int] = {}
        for session, sequence in found:
            last[session] = max(last.get(session, 0), int(sequence))
        for session, most in last.items():
            for sequence in range(0, most + 1, _STEP):
                yield "WHERE session = ? AND sequence >= ?", (session, sequence)


def _write(fresh: Path, found: dict[str, dict[Key, dict[str, Any]]], gaps: frozenset[str]) -> int:
    """Write the new ledger, and return the number of contents that count as used up."""
    used_up = _raise_counters(found, gaps)
    if gaps:
        for lease in found["leases"].values():
            lease["end_code"] = lease["end_code"] or "host.ledger.damaged"
    # Recovered receipts may be lost: all epochs are scanned again.
    if _EARNINGS & gaps:
        found["scans"].clear()
        found["scan_posts"].clear()
    if "debits" in gaps:
        for site in found["sites"].values():
            site["daily_budget_wei"] = "0"
    with Ledger(fresh) as ledger, ledger.write():
        for table, rows in found.items():
            columns = {name for (_, name, *_) in ledger._rows(f"PRAGMA table_info({table})")}
            for row in rows.values():
                kept = {name: value for name, value in row.items() if name in columns}
                marks = ", ".join("?" * len(kept))
                ledger._change(f"INSERT OR REPLACE INTO {table} ({', '.join(kept)}) VALUES ({marks})", *kept.values())  # noqa: S608
    return used_up


def _raise_counters(found: dict[str, dict[Key, dict[str, Any]]], gaps: frozenset[str]) -> int:
    """Raise every counter to the highest that any table proves.

    Returns:
        Number of contents that count as used up.
    """
    usage, sessions = found["usage"], found["sessions"]
    proved: dict[Key, dict[str, int]] = {}
    for row in found["invocations"].values():
        own = sessions.get((row["session"],))
        if own is not None:
            own["sequence"] = max(own["sequence"], row["sequence"])
        if row["state"] == "refused" or row.get("uncounted"):
            continue
        counted = proved.setdefault(
            (row["listener"], row["content"]), {"plays": 0, "seeks": 0, "first": row["time_ms"] // 1000}
        )
        counted["plays"] += row["action"] == "play"
        counted["seeks"] += row["action"] == "seek"
        counted["first"] = min(counted["first"], row["time_ms"] // 1000)
    pairs = {
        (row["listener"], row["content"]) for table in ("tickets", "destructions") for row in found[table].values()
    } | proved.keys()
    used_up = 0
    for pair in pairs if "usage" in gaps else ():
        if pair in usage:
            continue
        listener, content = pair
        counted = proved.get(pair, {"plays": 0, "seeks": 0, "first": 0})
        heard = sum(row["heard_ms"] for row in found["tickets"].values() if (row["listener"], row["content"]) == pair)
        lost = "invocations" in gaps or "tickets" in gaps
        used_up += lost
        usage[pair] = {
            "listener": listener,
            "content": content,
            "plays": USED_UP if lost else counted["plays"],
            "seeks": USED_UP if lost else counted["seeks"],
            "heard_ms": USED_UP * 1000 if lost else heard,
            "first_play_s": 0 if lost else counted["first"] or None,
        }
    for pair, counted in proved.items():
        if pair in usage:
            row = usage[pair]
            row["plays"], row["seeks"] = max(row["plays"], counted["plays"]), max(row["seeks"], counted["seeks"])
    return used_up
