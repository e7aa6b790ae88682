"""Versions of the station's database: migrated from the first release with its data, or refused unchanged."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from click.testing import CliRunner

from pywallet.errors import GomaaError
from station.commands import station
from station.db.database import open_engine
from station.db.ledger import Store
from station.db.listener_tickets import ListenerTickets
from station.db.tables import METADATA
from station.db.versions import BASELINE, _config, head, migrate, prepare

pytestmark = pytest.mark.long

FIRST_RELEASE = Path(__file__).parent / "first_release_sqlite.sql"
SERVER, OTHER_SERVER, LISTENER, BAND = b"\x03" * 20, b"\x07" * 20, b"\x09" * 20, b"\x08" * 20
FIRST_NUMBER = 257_241_600


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A database of the first release, with data in every table."""
    path = tmp_path / "station.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(FIRST_RELEASE.read_text(encoding="utf-8"))
    return path


def dump(path: Path) -> list[str]:
    """The whole database as SQL."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def rows(path: Path) -> dict[str, list[Any]]:
    """All rows by table, without Alembic's own."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in names if name != "alembic_version"}


def schema(path: Path) -> dict[str, Any]:
    """Columns, keys and indexes by table, as SQLAlchemy inspects them."""
    engine = sa.create_engine(f"sqlite:///{path}")
    try:
        there = sa.inspect(engine)
        return {
            table: (
                [{**column, "type": str(column["type"])} for column in there.get_columns(table)],
                there.get_pk_constraint(table),
                there.get_foreign_keys(table),
                sorted(there.get_indexes(table), key=lambda index: str(index["name"])),
            )
            for table in there.get_table_names()
        }
    finally:
        engine.dispose()


def migrated(path: Path) -> tuple[str | None, str]:
    """Migrate a file; the revisions before and after."""
    engine = open_engine(f"sqlite:///{path}")
    try:
        return migrate(engine)
    finally:
        engine.dispose()


def test_the_first_release_is_refused_until_it_is_migrated(released: Path) -> None:
    """Opening it names both revisions and changes nothing."""
    before = dump(released)
    with pytest.raises(GomaaError) as error:
        Store(f"sqlite:///{released}")
    assert error.value.code == "station.database.old"
    assert error.value.detail == {"found": BASELINE, "expected": head()}
    assert dump(released) == before


def test_the_first_release_is_migrated_with_everything_in_it(released: Path) -> None:
    """Every row is kept, and the ledger answers from it as before."""
    before = rows(released)
    assert migrated(released) == (BASELINE, head())
    after = rows(released)
    # Tables that came later are empty.
    assert sorted(map(str, before.values())) == sorted(str(table) for table in after.values() if table)
    store = Store(f"sqlite:///{released}")
    try:
        first = store.tickets([FIRST_NUMBER])[FIRST_NUMBER]
        assert (first.price, first.reward, first.bps, first.max_intervals) == (8 * 10**15, 2 * 10**15, 250, 21)
        assert (first.vouchered, first.settled, first.agreed_bps) == (7, 7, 250)
        assert store.agreed(SERVER) == (1025 * 10**15, 1025 * 10**14)
        voucher = store.voucher(SERVER)
        assert voucher is not None
        assert (voucher.cap, voucher.until, voucher.lines) == (
            1025 * 10**14,
            30_000_001,
            {FIRST_NUMBER: 7, FIRST_NUMBER + 4: 3},
        )
        assert [(row.code, row.line_count) for row in store.statements(SERVER, 9)] == [
            ("statement.mismatch", 1),
            (None, 2),
        ]
        assert [row.number for row in store.quarantine(SERVER)] == [FIRST_NUMBER + 8]
        assert store.acknowledgements(SERVER, [FIRST_NUMBER]) == ['{"settled": 1}']
        assert store.pruned_s(OTHER_SERVER) == 1_792_224_000
        listener_tickets = ListenerTickets(store.engine)
        assert listener_tickets.was_paid(LISTENER, BAND)
        assert [number for number, _ in listener_tickets.finished_plays(2_000_000_000)] == [
            FIRST_NUMBER + 8,
            FIRST_NUMBER + 12,
        ]
        assert max(store.tickets(range(FIRST_NUMBER, FIRST_NUMBER + 99))) == FIRST_NUMBER + 12
    finally:
        store.close()


def test_the_fixture_is_the_baseline(released: Path, tmp_path: Path) -> None:
    """Revision 0001 makes exactly the schema of the first release."""
    path = tmp_path / "baseline.sqlite3"
    engine = open_engine(f"sqlite:///{path}")
    with engine.begin() as db:
        command.upgrade(_config(db), BASELINE)
    engine.dispose()
    made = schema(path)
    del made["alembic_version"]
    assert made == schema(released)


def test_migrated_and_fresh_schemas_are_the_same(released: Path, tmp_path: Path) -> None:
    """By inspection: columns in their order with types and defaults, keys and indexes."""
    migrated(released)
    Store(f"sqlite:///{tmp_path / 'fresh.sqlite3'}").close()
    assert schema(released) == schema(tmp_path / "fresh.sqlite3")
    assert set(schema(released)) == METADATA.tables.keys() | {"alembic_version"}


def test_migrating_back_gives_the_first_release(released: Path) -> None:
    """The renames undo each other."""
    before, data = schema(released), rows(released)
    migrated(released)
    engine = open_engine(f"sqlite:///{released}")
    with engine.begin() as db:
        command.downgrade(_config(db), BASELINE)
    engine.dispose()
    after = schema(released)
    del after["alembic_version"]
    assert (after, rows(released)) == (before, data)


def test_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    """An unknown revision is neither opened nor migrated."""
    path = tmp_path / "station.sqlite3"
    Store(f"sqlite:///{path}").close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        db.commit()
    before = dump(path)
    engine = open_engine(f"sqlite:///{path}")
    for open_ in (prepare, migrate):
        with pytest.raises(GomaaError) as error:
            open_(engine)
        assert error.value.code == "station.database.version"
        assert error.value.detail == {"found": "9999", "expected": head()}
    engine.dispose()
    assert dump(path) == before


def test_an_unknown_schema_is_not_migrated(released: Path) -> None:
    """A column more than the first release had: nothing is changed."""
    with contextlib.closing(sqlite3.connect(released)) as db:
        db.execute("ALTER TABLE tickets ADD COLUMN extra TEXT")
        db.commit()
    before = dump(released)
    with pytest.raises(GomaaError) as error:
        migrated(released)
    assert error.value.code == "station.database.version"
    assert dump(released) == before


KILLED = """
import os, signal, sys
from alembic import op
from station.db.database import open_engine
from station.db.versions import migrate
left = int(sys.argv[2])
rename = op.alter_column
def counted(*given, **named):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    rename(*given, **named)
op.alter_column = counted
migrate(open_engine("sqlite:///" + sys.argv[1]))
"""


@pytest.mark.parametrize("renames", [0, 1, 17])
def test_a_kill_in_the_middle_leaves_the_old_version_whole(released: Path, renames: int) -> None:
    """SIGKILL between two renames; the next migration starts from the first release again."""
    before = dump(released)
    arguments = [sys.executable, "-c", KILLED, str(released), str(renames)]
    ended = subprocess.run(arguments, check=False, timeout=120, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert ended.returncode == -signal.SIGKILL
    assert dump(released) == before
    assert migrated(released) == (BASELINE, head())


def test_the_command_migrates_once(released: Path, tmp_path: Path) -> None:
    """`gomaa station migrate` says from where to where, and afterwards that nothing is to do."""
    settings = tmp_path / "station.toml"
    settings.write_text(
        'domain = "radio.example"\nname = "R"\nkey_file = "k"\ndeployment_file = "d"\ncatalogue = "songs"\n'
        f'database = "{released.name}"\n',
        encoding="utf-8",
    )
    said = [CliRunner().invoke(station, ["migrate", str(settings)]).output for _ in range(2)]
    assert said == [
        f"migrated from version {BASELINE} to {head()}\n",
        f"the database is of version {head()} already; nothing was changed\n",
    ]
