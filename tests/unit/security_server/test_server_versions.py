"""Schema versions: an empty database, the first release with data, newer and unknown versions, several processes."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from sqlalchemy import Connection, Engine, create_engine, inspect, text

from pywallet.errors import GomaaError, InputError
from security_server.billing.accounts import outstanding
from security_server.commands import server
from security_server.db import migrations
from security_server.db.database import migrate_database
from security_server.db.migrations import HEAD, REVISIONS
from security_server.db.queries import get
from security_server.db.tables import METADATA, epochs, payers, tickets
from security_server.db.versions import FIRST_RELEASE, THIS, UNKNOWN, VERSION_TABLE, Release
from security_server.db.writer import Store
from security_server.epochs.closed_epoch import ClosedEpoch
from security_server.epochs.epoch_store import read_epoch, read_vouchers
from station.db.ledger import Store as StationStore
from tests.unit.security_server.epoch_server import STATION

pytestmark = pytest.mark.long

HERE: Final = Path(__file__).parent
RENAMED: Final[Mapping[str, Mapping[str, str]]] = import_module(
    "security_server.db.migrations.versions.0002_column_names"
).RENAMED
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("url"))
    return f"sqlite:///{tmp_path}/db"


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """A connection to it beside the server's."""
    made = create_engine(database)
    yield made
    made.dispose()


def first_release(engine: Engine) -> Rows:
    """Restore the dump of the first released schema; its rows by table."""
    script = (HERE / f"first_release_{engine.dialect.name}.sql").read_text(encoding="utf-8")
    with engine.begin() as connection:
        for statement in script.splitlines():
            if not statement.startswith("--"):
                connection.exec_driver_sql(statement)
        return rows_of(connection)


def rows_of(connection: Connection) -> Rows:
    """All rows of a database, by table, as the driver gives them."""
    found: Rows = {}
    for table in inspect(connection).get_table_names():
        rows = connection.exec_driver_sql(f'SELECT * FROM "{table}"').mappings()
        found[table] = sorted(({k: _plain(v) for k, v in row.items()} for row in rows), key=repr)
    return found


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, (bytes, memoryview)) else value


def schema_of(engine: Engine) -> dict[str, Any]:
    """Columns, keys and indexes of every table, without the order of columns."""
    there, found = inspect(engine), {}
    for table in there.get_table_names():
        columns = {
            (column["name"], str(column["type"]), column["nullable"], str(column["default"]))
            for column in there.get_columns(table)
        }
        indexes = {
            (index["name"], tuple(index["column_names"]), bool(index["unique"])) for index in there.get_indexes(table)
        }
        unique = {tuple(each["column_names"]) for each in there.get_unique_constraints(table)}
        key = tuple(there.get_pk_constraint(table)["constrained_columns"])
        found[table] = (columns, indexes, unique, key)
    return found


def version_of(engine: Engine) -> list[str]:
    """Content of the version table."""
    with engine.connect() as connection:
        return list(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars())


def refused(work: Callable[[], object]) -> GomaaError:
    """The error that a call raises."""
    with pytest.raises(GomaaError) as error:
        work()
    return error.value


def test_the_listed_revisions_are_those_of_the_scripts() -> None:
    """Opening a database compares with the list, migrating follows the scripts."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    scripts = ScriptDirectory.from_config(config)
    assert [script.revision for script in scripts.walk_revisions()] == list(reversed(REVISIONS))
    assert scripts.get_heads() == [HEAD]


def test_every_column_has_a_doc() -> None:
    """A sentence beside each column of ``security_server.db.tables``."""
    assert [str(column) for table in METADATA.sorted_tables for column in table.columns if not column.doc] == []


def test_the_first_release_is_migrated_with_all_its_rows(database: str, engine: Engine) -> None:
    """Every value of every row is there afterwards, under its new name, and the schema is that of an empty database."""
    before = first_release(engine)
    assert migrate_database(database) == "0001"
    assert version_of(engine) == [HEAD]
    expected: Rows = {
        table: sorted(
            ({RENAMED.get(table, {}).get(name, name): value for name, value in row.items()} for row in rows), key=repr
        )
        for table, rows in before.items()
    }
    expected["cursors"] = [row for row in expected.pop("marks") if row["name"] != "schema"]
    with engine.connect() as connection:
        after = rows_of(connection)
    assert after.pop(VERSION_TABLE) == [{"version_num": HEAD}]
    assert after == expected
    assert all(after.values()), "the dump has rows in every table"
    migrated = schema_of(engine)
    with engine.begin() as connection:
        for table in after.keys() | {VERSION_TABLE}:
            connection.exec_driver_sql(f'DROP TABLE "{table}"')
    Store(database).close()
    assert schema_of(engine) == migrated


async def test_a_migrated_database_is_used(database: str, engine: Engine) -> None:
    """Epochs, vouchers and what the station owes are read from it."""
    first_release(engine)
    migrate_database(database)
    store = Store(database)
    try:

        def read(connection: Connection) -> None:
            numbers = connection.execute(epochs.select().order_by(epochs.c.epoch)).scalars().all()
            assert len(numbers) == 2
            for epoch in numbers:
                stored = read_epoch(connection, epoch)
                assert stored is not None
                closed = ClosedEpoch.of(stored[0])
                assert closed.commitment == stored[1]
                assert closed.holds(read_vouchers(connection, epoch))
            heard = sum(row.heard_intervals - row.vouchered_intervals for row in connection.execute(tickets.select()))
            assert outstanding(connection, STATION, max(numbers) + 1).intervals <= heard
            assert get(connection, payers, payer=STATION) is not None

        await store.run(read)
    finally:
        store.close()


def test_a_server_does_not_migrate_by_itself(database: str, engine: Engine) -> None:
    """The error names both versions and the command; nothing is changed."""
    before = first_release(engine)
    error = refused(lambda: Store(database))
    assert error.code == "server.database.version"
    assert (error.detail["found"], error.detail["expected"]) == ("0001", HEAD)
    assert "gomaa server migrate" in str(error)
    with engine.connect() as connection:
        assert rows_of(connection) == before


def test_a_failed_migration_leaves_everything_as_it_was(
    database: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step fails after all others: one transaction holds them all."""
    before = first_release(engine)

    def fail(connection: Connection, release: Release) -> str:
        migrate(connection, release)
        raise RuntimeError("the process ends here")

    from security_server.db.versions import migrate

    monkeypatch.setattr("security_server.db.database.migrate", fail)
    with pytest.raises(RuntimeError):
        migrate_database(database)
    monkeypatch.undo()
    with engine.connect() as connection:
        assert rows_of(connection) == before
    assert migrate_database(database) == "0001"
    Store(database).close()


def test_an_empty_database_gets_this_version(database: str, engine: Engine) -> None:
    """There is nothing to migrate in it, and then nothing more to do."""
    assert isinstance(refused(lambda: migrate_database(database)), InputError)
    Store(database).close()
    assert version_of(engine) == [HEAD]
    assert migrate_database(database) == HEAD
    Store(database).close()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (f"UPDATE {VERSION_TABLE} SET version_num = '9999'", "9999"),
        (f"DELETE FROM {VERSION_TABLE}", UNKNOWN),
        (f"DROP TABLE {VERSION_TABLE}", UNKNOWN),
        ("DROP TABLE tickets", UNKNOWN),
    ],
)
def test_newer_and_unknown_versions_are_refused(database: str, engine: Engine, change: str, found: str) -> None:
    """Neither opened nor migrated; nothing is changed."""
    Store(database).close()
    with engine.begin() as connection:
        connection.exec_driver_sql(change)
        before = rows_of(connection)
    for work in (lambda: Store(database), lambda: migrate_database(database)):
        error = refused(work)
        assert error.code == "server.database.version"
        assert (error.detail["found"], error.detail["expected"]) == (found, HEAD)
        assert "migrate" not in error.detail["reason"]
        with engine.connect() as connection:
            assert rows_of(connection) == before


def test_a_schema_before_the_first_release_is_refused(database: str, engine: Engine) -> None:
    """Tables with another mark are not taken for those of the first release."""
    first_release(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE marks SET number = {FIRST_RELEASE + 1} WHERE name = 'schema'")
    for work in (lambda: Store(database), lambda: migrate_database(database)):
        assert refused(work).detail["found"] == UNKNOWN


def test_tables_of_another_program_are_refused(tmp_path: Path) -> None:
    """Tables without a version are left as they are."""
    with sqlite3.connect(tmp_path / "old") as old:
        old.execute("create table epochs (epoch integer primary key)")
    assert refused(lambda: Store(f"sqlite:///{tmp_path}/old")).detail["found"] == UNKNOWN
    with sqlite3.connect(tmp_path / "old") as old:
        assert old.execute("select name from sqlite_master").fetchall() == [("epochs",)]


def test_a_database_in_use_is_not_migrated(tmp_path: Path) -> None:
    """A server holds the SQLite file."""
    url = f"sqlite:///{tmp_path}/db"
    store = Store(url)
    assert refused(lambda: migrate_database(url)).code == "server.database.busy"
    store.close()


async def test_a_database_with_a_leading_server_is_not_migrated(url: str) -> None:
    """On PostgreSQL the leading process holds a lock."""
    store = Store(url)
    assert await store.leads()
    newer = Release((*REVISIONS, "9001"), frozenset(), THIS.scripts)
    assert refused(lambda: migrate_database(url, newer)).code == "server.database.busy"
    assert migrate_database(url) == HEAD, "there is nothing to migrate"
    store.close()


def test_of_several_processes_at_once_one_migrates(url: str) -> None:
    """The others wait, or are refused; none finds half a schema."""
    made = create_engine(url)
    first_release(made)
    made.dispose()
    outcomes = at_once([lambda: migrate_database(url)] * 3 + [lambda: Store(url).close()] * 3)
    codes = [each.code for each in outcomes if isinstance(each, GomaaError)]
    assert outcomes.count("0001") == 1, outcomes
    assert {*codes} <= {"server.database.busy", "server.database.version"}
    assert all(each in ("0001", HEAD, None) or isinstance(each, GomaaError) for each in outcomes), outcomes
    Store(url).close()


def test_of_several_processes_at_once_one_makes_the_tables(url: str) -> None:
    """The others wait for it, then open them."""
    assert at_once([lambda: Store(url).close()] * 4) == [None] * 4


def at_once(works: list[Callable[[], object]]) -> list[object]:
    """What calls in threads of their own return or raise."""
    outcomes: list[object] = []

    def run(work: Callable[[], object]) -> None:
        try:
            outcomes.append(work())
        except Exception as error:
            outcomes.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_the_command_migrates(tmp_path: Path) -> None:
    """``gomaa server migrate`` with a database, or with the server's configuration."""
    for name, options in (("a", ["--database", str(tmp_path / "a")]), ("b", ["--config", str(tmp_path / "toml")])):
        made = create_engine(f"sqlite:///{tmp_path}/{name}")
        first_release(made)
        made.dispose()
        (tmp_path / "toml").write_text('deployment = "d.json"\nkeys = "k.json"\ndatabase = "b"\n', encoding="utf-8")
        outcome = CliRunner().invoke(server, ["migrate", *options])
        assert outcome.exit_code == 0, outcome.output
        assert json.loads(outcome.output) == {"from": "0001", "to": HEAD}
        Store(f"sqlite:///{tmp_path}/{name}").close()
    assert CliRunner().invoke(server, ["migrate"]).exit_code == 2


@pytest.mark.parametrize("make", [Store, StationStore])
def test_older_tables_on_postgresql_are_refused_and_left_alone(
    url: str, make: Callable[[str], Store | StationStore]
) -> None:
    """A server's and a station's database that lacks what this version needs.

    The code names both versions, nothing is made.
    """
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("create table vouchers (server bytea primary key)"))
        connection.execute(text("create table sessions (id bytea primary key)"))
        with pytest.raises(GomaaError) as error:
            make(url)
        assert error.value.code in ("server.database.version", "station.database.version")
        assert error.value.detail["found"] != error.value.detail["expected"]
        assert sorted(inspect(connection).get_table_names()) == ["sessions", "vouchers"]
    engine.dispose()
