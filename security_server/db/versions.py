"""Schema versions of the database: read, create, migrate (decision 0054)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, text

from pywallet.errors import GomaaError, InputError
from security_server.db import migrations
from security_server.db.migrations import HEAD, REVISIONS
from security_server.db.tables import METADATA

VERSION_TABLE: Final = "security_server_version"
"""Where Alembic keeps the version. A name of its own: a station's database is not taken for a server's."""

_VERSION: Final = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), nullable=False, primary_key=True))

FIRST_RELEASE: Final = 16504945240820446
"""Value of ``schema`` in the table ``marks`` of the first release, which has no version table."""

UNKNOWN: Final = "unknown"
"""Stands for a version that this program does not know, where none is named."""

_MIGRATE: Final = "stop every server that uses it, back it up, then run: gomaa server migrate"
_OTHER: Final = "run the release of gomaa that made it, or name another database"


def read_version(connection: Connection) -> str | None:
    """The schema version of a database.

    Returns:
        One of ``REVISIONS``, that of another release, or ``UNKNOWN``; None where no table of the server is there.
    """
    present = set(inspect(connection).get_table_names())
    if VERSION_TABLE in present:
        rows = connection.execute(_VERSION.select()).all()
        version = str(rows[0][0]) if len(rows) == 1 else UNKNOWN
        return UNKNOWN if version == HEAD and METADATA.tables.keys() - present else version
    if not present & {*METADATA.tables, "marks"}:
        return None
    if "marks" in present:
        columns = {column["name"] for column in inspect(connection).get_columns("marks")}
        if columns == {"name", "number"}:
            mark = connection.execute(text("SELECT number FROM marks WHERE name = 'schema'")).scalar()
            return REVISIONS[0] if mark == FIRST_RELEASE else UNKNOWN
    return UNKNOWN


def require_version(connection: Connection) -> None:
    """Create the tables in an empty database, and refuse every version but this program's. Nothing else is changed.

    Args:
        connection: Of the transaction that opens the database.

    Raises:
        GomaaError: ``server.database.version`` with ``found``, ``expected`` and ``reason`` (what to do).
    """
    version = read_version(connection)
    if version is None:
        METADATA.create_all(connection)
        _VERSION.create(connection)
        connection.execute(_VERSION.insert().values(version_num=HEAD))
    elif version != HEAD:
        raise _refused(version)


def migrate(connection: Connection) -> str:
    """Bring the tables of an earlier version to this program's, all in the caller's transaction.

    Args:
        connection: In a transaction. While it runs nothing else may use the database.

    Returns:
        The version before.

    Raises:
        GomaaError: ``server.database.version``: a newer or unknown version.
        InputError: ``message.schema``: the database is empty.
    """
    from alembic import command
    from alembic.config import Config

    version = read_version(connection)
    if version is None:
        raise InputError("message.schema", field="database", reason="it is empty: `gomaa server run` makes its tables")
    if version not in REVISIONS:
        raise _refused(version)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    if VERSION_TABLE not in inspect(connection).get_table_names():
        command.stamp(config, version)
    command.upgrade(config, HEAD)
    return version


def _refused(version: str) -> GomaaError:
    advice = _MIGRATE if version in REVISIONS else _OTHER
    return GomaaError("server.database.version", found=version, expected=HEAD, reason=advice)
