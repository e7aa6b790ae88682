"""The version of a station's database: made at the newest, migrated on request, refused where it is another.

Versions are Alembic revisions (``station/db/migrations``). The first release wrote none into its databases; they are
recognised by their columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

from pywallet.crypto import keccak256
from pywallet.errors import GomaaError
from station.db.tables import METADATA

BASELINE: Final = "0001"
"""Revision of the first release."""
UNKNOWN: Final = "unknown"
"""Found where the tables are those of no revision."""
_BASELINE_TABLES: Final = frozenset(
    [
        *("accounts", "acknowledgements", "asked", "listening", "numbers", "pruned"),
        *("quarantine", "settled", "statements", "tickets", "vouchers"),
    ]
)
_BASELINE_COLUMNS: Final = bytes.fromhex("017cf68ac6d29b97b5db5caaf93469aaa029aac686d6374416588594dc025aa1")
"""``_fingerprint`` of the first release."""


def prepare(engine: Engine) -> None:
    """Make the tables of an empty database, or check that they are those of this version; nothing else is changed.

    Args:
        engine: The database.

    Raises:
        GomaaError: ``station.database.old``, ``station.database.version``; with the revision ``found`` and the one
            ``expected``.
    """
    with engine.begin() as db:
        found = _found(db)
        if found is None:
            METADATA.create_all(db)
            command.stamp(_config(db), "head")
        elif (error := _mismatch(found)) is not None:
            raise error


def migrate(engine: Engine) -> tuple[str | None, str]:
    """Bring a database to the newest revision, in one transaction; an empty one gets its tables.

    Args:
        engine: The database.

    Returns:
        The revision that was found, None for an empty database, and the one that it is at now.

    Raises:
        GomaaError: ``station.database.version`` where it is of no revision that is known here; nothing is changed.
    """
    with engine.begin() as db:
        found = _found(db)
        error = None if found is None else _mismatch(found)
        if error is not None and error.code != "station.database.old":
            raise error
        config = _config(db)
        if found == BASELINE and not _has_version(db):
            command.stamp(config, BASELINE)
        command.upgrade(config, "head")
        if _fingerprint(db, METADATA.tables) != _expected_columns():
            raise GomaaError("station.database.version", found=UNKNOWN, expected=head())
    return found, head()


def head() -> str:
    """The newest revision."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def _config(db: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "station.db:migrations")
    config.attributes["connection"] = db
    return config


def _mismatch(found: str) -> GomaaError | None:
    """The refusal of a database at this revision; None at the newest."""
    scripts = ScriptDirectory.from_config(_config())
    newest = scripts.get_current_head()
    if found == newest:
        return None
    known = {script.revision for script in scripts.walk_revisions()}
    code = "station.database.old" if found in known else "station.database.version"
    return GomaaError(code, found=found, expected=newest)


def _found(db: Connection) -> str | None:
    """The database's revision: None without tables, ``UNKNOWN`` where its columns are not those of the revision."""
    present = set(sa.inspect(db).get_table_names())
    heads = MigrationContext.configure(db).get_current_heads() if _has_version(db) else ()
    if len(heads) > 1:
        return UNKNOWN
    if heads:
        at_head = heads[0] == head()
        return UNKNOWN if at_head and _fingerprint(db, METADATA.tables) != _expected_columns() else heads[0]
    if not present & (METADATA.tables.keys() | _BASELINE_TABLES):
        return None
    return BASELINE if _fingerprint(db, _BASELINE_TABLES) == _BASELINE_COLUMNS else UNKNOWN


def _has_version(db: Connection) -> bool:
    return sa.inspect(db).has_table("alembic_version")


def _fingerprint(db: Connection, tables: Iterable[str]) -> bytes:
    """A hash over the names of these tables and their columns, as far as they are there."""
    inspector = sa.inspect(db)
    present = set(inspector.get_table_names()) & set(tables)
    return _digest(f"{table}.{column['name']}" for table in present for column in inspector.get_columns(table))


def _expected_columns() -> bytes:
    return _digest(f"{table.name}.{column.name}" for table in METADATA.sorted_tables for column in table.columns)


def _digest(columns: Iterable[str]) -> bytes:
    return keccak256("\n".join(sorted(columns)).encode())
