"""Older ledgers are migrated completely or not at all; newer and unknown ones are refused and not changed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from native_host.ledger import Ledger, migrations
from native_host.ledger.repair import repair
from native_host.ledger.tables import VERSION
from pywallet.errors import Unavailable

VECTORS = Path(__file__).parents[2] / "vectors" / "ledger"
OLDEST, BEFORE = 1, 8
TABLES = "SELECT m.name, i.name, i.type, i.pk FROM sqlite_master m JOIN pragma_table_info(m.name) i ORDER BY 1, 2"
INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1"

Rows = dict[str, list[dict[str, Any]]]


def old_ledger(path: Path, version: int) -> Rows:
    """A ledger of a version in WAL mode; its rows with the present column names."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript((VECTORS / f"{version}.sql").read_text())
    return {
        table: [
            {migrations.RENAMED.get(table, {}).get(name, name): value for name, value in row.items()} for row in rows
        ]
        for table, rows in content(path).items()
    }


def content(path: Path) -> Rows:
    """Every row of every table."""
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        return {table: [dict(row) for row in db.execute(f"SELECT * FROM {table}")] for table in tables}


def version_of(path: Path) -> int:
    """The version in a file's header."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def assert_kept(before: Rows, after: Rows) -> None:
    """Require every value of every old row in the row at the same place."""
    for table, rows in before.items():
        assert len(after[table]) == len(rows), table
        for old, new in zip(rows, after[table], strict=True):
            assert {name: new[name] for name in old if name in new} == {k: v for k, v in old.items() if k in new}
            assert old.keys() - new.keys() == set(), table


@pytest.mark.parametrize("version", [OLDEST, BEFORE])
def test_an_older_ledger_keeps_every_row(tmp_path: Path, version: int) -> None:
    """Every value is under its present column name."""
    path = tmp_path / "ledger.sqlite"
    before = old_ledger(path, version)
    with Ledger(path):
        pass

    assert version_of(path) == VERSION
    after = content(path)
    assert_kept(before, after)
    assert all(after[table] for table in before)


def test_a_migrated_ledger_has_the_tables_and_indexes_of_a_fresh_one(tmp_path: Path) -> None:
    """Columns and index statements are those of this version."""
    old_ledger(tmp_path / "old.sqlite", BEFORE)
    with Ledger(tmp_path / "old.sqlite") as migrated, Ledger(tmp_path / "fresh.sqlite") as fresh:
        assert migrated._rows(TABLES) == fresh._rows(TABLES)
        assert migrated._rows(INDEXES) == fresh._rows(INDEXES)


def test_the_stores_read_a_migrated_ledger(tmp_path: Path) -> None:
    """Amounts, counts and grants of the older version are what the stores return."""
    path = tmp_path / "ledger.sqlite"
    old_ledger(path, BEFORE)
    with Ledger(path) as ledger:
        receipt = ledger.receipt(b"v" * 20, 5, b"p" * 20)
        voucher = ledger.voucher(b"v" * 20, b"l" * 20)
        payment = ledger.payments(b"v" * 20, b"l" * 20)[12]
        site = ledger.site("https://radio.example")
        usage = ledger.usage_row(b"l" * 20, b"c" * 20)
        spent = ledger.spent("*", 19)

    assert receipt is not None
    assert voucher is not None
    assert site is not None
    assert (receipt.amount_wei, receipt.claim_transaction, receipt.at_payee) == (98765432109876543210, "0xabc", 1)
    assert (voucher.cap_wei, voucher.until_epoch, voucher.agreed_value, voucher.lines) == (90, 6, 800_000, {12: 2})
    assert (payment.price_wei, payment.vouchered_intervals, payment.agreed_bps) == (40, 2, 600)
    assert (site.state, site.daily_budget_wei, spent) == ("paused", 5_000, 50)
    assert (usage.plays, usage.seeks, usage.tag_secret) == (1, 1, b"k" * 32)


@pytest.mark.parametrize("version", [VERSION + 1, 99, -1])
def test_a_newer_or_unknown_ledger_is_refused_and_kept(tmp_path: Path, version: int) -> None:
    """``host.ledger.version`` has both versions; neither opening nor repair changes the file."""
    path = tmp_path / "ledger.sqlite"
    old_ledger(path, BEFORE)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA user_version={version}")
    before = content(path)
    for open_it in (Ledger, repair):
        with pytest.raises(Unavailable) as caught:
            open_it(path)
        assert caught.value.code == "host.ledger.version"
        assert caught.value.detail == {"found": version, "expected": VERSION}

    assert (version_of(path), content(path)) == (version, before)


def test_tables_without_a_version_are_unknown(tmp_path: Path) -> None:
    """A file of another program with its own tables does not become a ledger."""
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("CREATE TABLE other (value)")
    with pytest.raises(Unavailable) as caught:
        Ledger(path)

    assert caught.value.code == "host.ledger.version"
    assert list(content(path)) == ["other"]


@pytest.mark.long
@pytest.mark.parametrize("version", [OLDEST, BEFORE])
@pytest.mark.parametrize("statements", [1, 12, 40, 70])
def test_a_killed_migration_leaves_the_old_ledger(tmp_path: Path, version: int, statements: int) -> None:
    """A process killed after some statements leaves the old ledger, which migrates afterwards."""
    path = tmp_path / "ledger.sqlite"
    before = old_ledger(path, version)
    unchanged = content(path)
    process = multiprocessing.get_context("spawn").Process(target=_killed, args=(path, statements))
    process.start()
    process.join(60)

    assert process.exitcode == -signal.SIGKILL
    assert (version_of(path), content(path)) == (version, unchanged)
    with Ledger(path):
        pass
    assert version_of(path) == VERSION
    assert_kept(before, content(path))


def _killed(path: Path, statements: int) -> None:
    """Open a ledger, and exit after some statements of its migration."""
    migrate, count = migrations.migrate, 0

    def traced(db: sqlite3.Connection) -> None:
        def trace(_statement: str) -> None:
            nonlocal count
            count += 1
            if count > statements:
                os.kill(os.getpid(), signal.SIGKILL)

        db.set_trace_callback(trace)
        migrate(db)

    migrations.migrate = traced
    Ledger(path)


@pytest.mark.parametrize("version", [OLDEST, BEFORE])
def test_a_damaged_ledger_of_an_older_version_is_salvaged(tmp_path: Path, version: int) -> None:
    """Readable rows have this version's column names in the new file."""
    path = tmp_path / "ledger.sqlite"
    before = old_ledger(path, version)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'contents'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)

    done = repair(path)

    assert done is not None
    assert done.gaps == ("contents",) if version == BEFORE else "contents" in done.gaps
    assert version_of(path) == VERSION
    after = content(path)
    for table in ("sessions", "tickets", "invocations", "refusals", "usage"):
        for old, new in zip(before[table], after[table], strict=True):
            assert {name: new[name] for name in old} == old
    if version == BEFORE:
        for table in ("debits", "payments", "vouchers", "payees", "receipts"):
            assert after[table] == before[table]
