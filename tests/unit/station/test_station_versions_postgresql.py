"""Versions of a station's database on PostgreSQL: the first release is refused, then migrated with its data."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command, op

from pywallet.errors import GomaaError
from station.db.database import open_engine
from station.db.ledger import Store
from station.db.listener_tickets import ListenerTickets
from station.db.tables import METADATA
from station.db.versions import BASELINE, _config, head, migrate
from tests.unit.security_server.conftest import postgres, url

__all__ = ["postgres", "url"]

FIRST_RELEASE = Path(__file__).parent / "first_release_sqlite.sql"
SERVER, LISTENER, BAND = b"\x03" * 20, b"\x09" * 20, b"\x08" * 20
FIRST_NUMBER = 257_241_600


@pytest.fixture
def released(url: str) -> str:
    """URL of a database of the first release, with the rows of the SQLite one in every table."""
    engine = open_engine(url)
    with contextlib.closing(sqlite3.connect(":memory:")) as source, engine.begin() as db:
        source.row_factory = sqlite3.Row
        source.executescript(FIRST_RELEASE.read_text(encoding="utf-8"))
        command.upgrade(_config(db), BASELINE)
        tables = sa.MetaData()
        tables.reflect(db, only=lambda name, _: name != "alembic_version")
        for table in tables.sorted_tables:
            boolean = {column.name for column in table.columns if isinstance(column.type, sa.Boolean)}
            for row in source.execute(f"SELECT * FROM {table.name}"):
                values = dict(row).items()
                db.execute(table.insert(), {key: bool(value) if key in boolean else value for key, value in values})
        # The first release wrote no version.
        db.exec_driver_sql("DROP TABLE alembic_version")
    engine.dispose()
    return url


def contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows by table, without Alembic's own."""
    engine = sa.create_engine(url)
    tables = sa.MetaData()
    tables.reflect(engine)
    with engine.connect() as db:
        found = {
            table.name: sorted(map(tuple, db.execute(table.select())), key=repr)
            for table in tables.sorted_tables
            if table.name != "alembic_version"
        }
    engine.dispose()
    return found


def schema(url: str) -> dict[str, Any]:
    """Columns, keys and indexes by table, as SQLAlchemy inspects them."""
    engine = sa.create_engine(url)
    there = sa.inspect(engine)
    found = {
        table: (
            [{**column, "type": str(column["type"])} for column in there.get_columns(table)],
            there.get_pk_constraint(table)["constrained_columns"],
            sorted((key["constrained_columns"], key["referred_table"]) for key in there.get_foreign_keys(table)),
            sorted((str(index["name"]), index["column_names"]) for index in there.get_indexes(table)),
        )
        for table in there.get_table_names()
    }
    engine.dispose()
    return found


def migrated(url: str) -> tuple[str | None, str]:
    """Migrate a database; the revisions before and after."""
    engine = open_engine(url)
    try:
        return migrate(engine)
    finally:
        engine.dispose()


def test_the_first_release_is_refused_unchanged(released: str) -> None:
    """A station that opens it without migrating would read columns that are not there."""
    before = contents(released)
    with pytest.raises(GomaaError) as error:
        Store(released)
    assert error.value.code == "station.database.old"
    assert contents(released) == before


def test_the_first_release_is_migrated_with_its_rows(released: str) -> None:
    """Every row is kept, and the ledger answers from it."""
    before = contents(released)
    assert migrated(released) == (BASELINE, head())
    after = contents(released)
    # Tables that came later are empty.
    assert sorted(map(str, before.values())) == sorted(str(table) for table in after.values() if table)
    store = Store(released)
    try:
        assert store.agreed(SERVER) == (1025 * 10**15, 1025 * 10**14)
        assert max(store.tickets(range(FIRST_NUMBER, FIRST_NUMBER + 99))) == FIRST_NUMBER + 12
        assert ListenerTickets(store.engine).was_paid(LISTENER, BAND)
    finally:
        store.close()


def test_migrated_and_fresh_schemas_are_the_same(released: str) -> None:
    """By inspection: columns in their order with types and defaults, keys and indexes."""
    migrated(released)
    after = schema(released)
    engine = sa.create_engine(released, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.exec_driver_sql("DROP SCHEMA public CASCADE")
        db.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    Store(released).close()
    assert after == schema(released)
    assert set(after) == METADATA.tables.keys() | {"alembic_version"}


def test_a_failed_migration_changes_nothing(released: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error between two renames rolls all of them back."""
    before, rename, left = schema(released), op.alter_column, 7

    def failing(*given: Any, **named: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError("disk full")
        rename(*given, **named)

    monkeypatch.setattr(op, "alter_column", failing)
    with pytest.raises(OSError, match="disk full"):
        migrated(released)
    assert schema(released) == before
    monkeypatch.undo()
    assert migrated(released) == (BASELINE, head())
