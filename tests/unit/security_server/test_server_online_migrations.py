"""Migrations beside running servers: a simulated next release adds to the tables that this one reads and writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, inspect, text

from pywallet.errors import GomaaError
from security_server.db.connection import Connection
from security_server.db.database import migrate_database, open_database
from security_server.db.migrations import HEAD, ONLINE, REVISIONS
from security_server.db.refusal_counts import count_refusal
from security_server.db.versions import COMPATIBLE_TABLE, THIS, Release, compatible_versions, read_version
from security_server.db.writer import Store
from tests.unit.security_server.test_server_versions import first_release

pytestmark = pytest.mark.long

SCRIPT = '''"""A later schema."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    {change}
'''
ADDED = (
    'op.add_column("refusal_counts", sa.Column("weight", sa.BigInteger(), server_default="1", nullable=False)); '
    'op.create_table("additions", sa.Column("name", sa.String(8), primary_key=True)); '
    'op.create_index("refusal_counts_code", "refusal_counts", ["code"])'
)
REMOVED = 'op.drop_table("additions")'


@pytest.fixture
def releases(tmp_path: Path) -> tuple[Release, Release]:
    """A next release that adds, and one after it that removes."""
    folder = tmp_path / "later"
    folder.mkdir()
    (folder / "a.py").write_text(SCRIPT.format(revision="9001", before=HEAD, change=ADDED))
    (folder / "b.py").write_text(SCRIPT.format(revision="9002", before="9001", change=REMOVED))
    scripts, online = (*THIS.scripts, folder), ONLINE | {"9001"}
    return Release((*REVISIONS, "9001"), online, scripts), Release((*REVISIONS, "9001", "9002"), online, scripts)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database of this version."""
    made = str(request.getfixturevalue("url")) if request.param == "postgresql" else f"sqlite:///{tmp_path}/db"
    Store(made).close()
    return made


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """A connection to it beside the server's."""
    made = create_engine(database)
    yield made
    made.dispose()


def opened(url: str, release: Release) -> None:
    """Open and close a database as a program of a release."""
    engine, lock = open_database(url, release)
    lock.release()
    engine.dispose()


def refused(work: Callable[[], object]) -> GomaaError:
    """The error that a call raises."""
    with pytest.raises(GomaaError) as error:
        work()
    return error.value


def test_the_program_before_opens_what_an_online_migration_has_made(
    database: str, engine: Engine, releases: tuple[Release, Release]
) -> None:
    """A server of the earlier release could not be restarted during an upgrade."""
    added, removed = releases
    assert migrate_database(database, added) == HEAD
    opened(database, added)
    opened(database, THIS)
    with engine.connect() as connection:
        assert compatible_versions(connection) == {HEAD}
    assert migrate_database(database, removed) == "9001"
    error = refused(lambda: opened(database, THIS))
    assert (error.code, error.detail["found"], error.detail["expected"]) == ("server.database.version", "9002", HEAD)
    with engine.connect() as connection:
        assert COMPATIBLE_TABLE not in inspect(connection).get_table_names()


def test_a_step_that_removes_makes_the_whole_migration_offline(
    database: str, engine: Engine, releases: tuple[Release, Release]
) -> None:
    """Of two steps at once the second would take away what running servers use."""
    assert migrate_database(database, releases[1]) == HEAD
    assert refused(lambda: opened(database, THIS)).code == "server.database.version"


def test_a_newer_program_names_the_migration(database: str, releases: tuple[Release, Release]) -> None:
    """An operator would stop servers that may run, or not stop those that may not."""
    added, removed = releases
    assert "may run meanwhile" in refused(lambda: opened(database, added)).detail["reason"]
    assert "stop every server" in refused(lambda: opened(database, removed)).detail["reason"]


def test_a_compatible_database_without_a_table_is_refused(
    database: str, engine: Engine, releases: tuple[Release, Release]
) -> None:
    """The record alone does not make a damaged database one of this program's."""
    migrate_database(database, releases[0])
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE tickets")
    assert refused(lambda: opened(database, THIS)).code == "server.database.version"


async def test_a_leading_server_writes_during_the_migration(url: str, releases: tuple[Release, Release]) -> None:
    """A write would be lost or refused while the tables change, or the server would have to be stopped."""
    store = Store(url)
    assert await store.leads()
    migrated = asyncio.Event()
    written = 0

    async def write() -> None:
        nonlocal written
        after = 0
        while after < 20:
            await store.run(lambda connection: count_refusal(connection, 0, "ticket", "ticket.used"))
            written += 1
            after += migrated.is_set()

    try:
        writing = [asyncio.create_task(write()) for _ in range(4)]
        while not written:
            await asyncio.sleep(0)
        assert await asyncio.to_thread(migrate_database, url, releases[0]) == HEAD
        migrated.set()
        await asyncio.gather(*writing)
        assert await store.leads()

        def read(connection: Connection) -> Any:
            counted = connection.raw.execute(text('SELECT "count", weight FROM refusal_counts')).one()
            return tuple(counted), read_version(connection.raw, releases[0])

        assert await store.run(read) == ((written, 1), "9001")
        # The servers of the next release begin while this one still runs.
        newer, lock = open_database(url, releases[0])
        assert not lock.leads()
        store.close()
        assert lock.leads()
        lock.release()
        newer.dispose()
    finally:
        store.close()


def test_an_online_migration_does_not_wait_long_for_a_table(
    url: str, releases: tuple[Release, Release], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every request would wait behind a migration that waits for a long transaction."""
    monkeypatch.setattr("security_server.db.versions.LOCK_WAIT_MS", 50)
    Store(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE refusal_counts IN ACCESS SHARE MODE")
        assert refused(lambda: migrate_database(url, releases[0])).code == "server.database.busy"
    engine.dispose()
    assert migrate_database(url, releases[0]) == HEAD


def additions_only(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What of a schema is not there any more, and columns without a value in rows of the program before."""
    faults = [f"table {name}" for name in before.keys() - after.keys()]
    for name, columns in before.items():
        now = after.get(name, {})
        faults += [f"column {name}.{column}" for column, kind in columns.items() if now.get(column) != kind]
        faults += [f"no default {name}.{column}" for column in now.keys() - columns.keys() if not _filled(now[column])]
    return faults


def _filled(column: tuple[str, bool, str | None]) -> bool:
    _, nullable, default = column
    return nullable or default is not None


def schema(engine: Engine) -> dict[str, Any]:
    """Columns by table: type, whether it is nullable, default."""
    there = inspect(engine)
    return {
        table: {
            each["name"]: (str(each["type"]), each["nullable"], each["default"]) for each in there.get_columns(table)
        }
        for table in there.get_table_names()
    }


def test_what_is_listed_as_online_only_adds(database: str, engine: Engine, releases: tuple[Release, Release]) -> None:
    """A listed revision that renames or removes would break the servers that run beside it."""
    before = schema(engine)
    migrate_database(database, releases[0])
    assert additions_only(before, schema(engine)) == []
    migrate_database(database, releases[1])
    assert additions_only(before, schema(engine)) == []
    assert additions_only(schema(engine) | {"additions": {}}, schema(engine)) == ["table additions"]


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_each_revision_is_listed_by_what_it_does(revision: str, tmp_path: Path) -> None:
    """A revision of this release that renames a column would be listed as online."""
    path, at = f"sqlite:///{tmp_path}/db", REVISIONS.index(revision)
    made = create_engine(path)
    first_release(made)
    migrate_database(path, Release(REVISIONS[:at], frozenset(), THIS.scripts))
    before = schema(made)
    migrate_database(path, Release(REVISIONS[: at + 1], frozenset(), THIS.scripts))
    faults = additions_only(before, schema(made))
    made.dispose()
    assert not (faults and revision in ONLINE), faults
    assert faults or revision != "0002"
