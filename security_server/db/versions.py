"""Schema versions of the database: read, create, migrate (decisions 0054 and 0064)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, text

from pywallet.errors import GomaaError, InputError
from security_server.db import migrations
from security_server.db.migrations import ONLINE, REVISIONS
from security_server.db.tables import METADATA

VERSION_TABLE: Final = "security_server_version"
"""Where Alembic keeps the version. A name of its own: a station's database is not taken for a server's."""

_VERSION: Final = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), nullable=False, primary_key=True))

COMPATIBLE_TABLE: Final = "security_server_compatible"
"""Older versions whose programs may use the database: an online migration adds the one before, any other drops it.
"""

_COMPATIBLE: Final = Table(
    COMPATIBLE_TABLE, MetaData(), Column("version_num", String(32), nullable=False, primary_key=True)
)

LOCK_WAIT_MS: Final = 5_000
"""Milliseconds that an online migration waits for a lock on PostgreSQL: behind one that waits, every request waits."""


@dataclass(frozen=True)
class Release:
    """Schema versions that a program knows.

    Attributes:
        revisions: Every version, oldest first; the last is its own.
        online: Those whose migration runs beside servers of the version before.
        scripts: Folders of the migrations.
    """

    revisions: tuple[str, ...]
    online: frozenset[str]
    scripts: tuple[Path, ...]

    @property
    def head(self) -> str:
        """The version that the program reads and writes."""
        return self.revisions[-1]

    def is_online(self, version: str) -> bool:
        """True if every step from a version to the program's own may run beside servers of that version."""
        if version not in self.revisions:
            return False
        return self.online.issuperset(self.revisions[self.revisions.index(version) + 1 :])


THIS: Final = Release(REVISIONS, ONLINE, (Path(migrations.__file__).parent / "versions",))
"""Schema versions that this program knows."""

FIRST_RELEASE: Final = 16504945240820446
"""Value of ``schema`` in the table ``marks`` of the first release, which has no version table."""

UNKNOWN: Final = "unknown"
"""Stands for a version that this program does not know, where none is named."""

_MIGRATE: Final = "stop every server that uses it, back it up, then run: gomaa server migrate"
_MIGRATE_ONLINE: Final = "back it up, then run: gomaa server migrate; servers of its version may run meanwhile"
_OTHER: Final = "run the release of gomaa that made it, or name another database"


def read_version(connection: Connection, release: Release = THIS) -> str | None:
    """The schema version of a database.

    Args:
        connection: Of a transaction.
        release: What the program knows.

    Returns:
        One of the release's, that of another release, or ``UNKNOWN``; None where no table of the server is there.
    """
    present = set(inspect(connection).get_table_names())
    if VERSION_TABLE in present:
        rows = connection.execute(_VERSION.select()).all()
        version = str(rows[0][0]) if len(rows) == 1 else UNKNOWN
        return UNKNOWN if version == release.head and METADATA.tables.keys() - present else version
    if not present & {*METADATA.tables, "marks"}:
        return None
    if "marks" in present:
        columns = {column["name"] for column in inspect(connection).get_columns("marks")}
        if columns == {"name", "number"}:
            mark = connection.execute(text("SELECT number FROM marks WHERE name = 'schema'")).scalar()
            return release.revisions[0] if mark == FIRST_RELEASE else UNKNOWN
    return UNKNOWN


def compatible_versions(connection: Connection) -> set[str]:
    """Older versions whose programs may use the database, as the migration that made its version has recorded."""
    if COMPATIBLE_TABLE not in inspect(connection).get_table_names():
        return set()
    return {str(version) for version in connection.execute(_COMPATIBLE.select()).scalars()}


def require_version(connection: Connection, release: Release = THIS) -> None:
    """Create the tables in an empty database, and refuse a version that the program cannot use.

    It can use its own, and a newer one whose migrations were all online. Nothing else is changed.

    Args:
        connection: Of the transaction that opens the database.
        release: What the program knows.

    Raises:
        GomaaError: ``server.database.version`` with ``found``, ``expected`` and ``reason`` (what to do).
    """
    version = read_version(connection, release)
    if version is None:
        METADATA.create_all(connection)
        _VERSION.create(connection)
        connection.execute(_VERSION.insert().values(version_num=release.head))
    elif version != release.head and (
        release.head not in compatible_versions(connection) or METADATA.tables.keys() - _tables(connection)
    ):
        raise _refused(version, release)


def migrate(connection: Connection, release: Release = THIS) -> str:
    """Bring the tables of an earlier version to the program's, all in the caller's transaction.

    Args:
        connection: In a transaction. Unless the migration is online (``Release.is_online``), nothing else may use the
            database while it runs.
        release: What the program knows.

    Returns:
        The version before.

    Raises:
        GomaaError: ``server.database.version``: a newer or unknown version.
        InputError: ``message.schema``: the database is empty.
    """
    from alembic import command
    from alembic.config import Config

    version = read_version(connection, release)
    if version is None:
        raise InputError("message.schema", field="database", reason="it is empty: `gomaa server run` makes its tables")
    if version not in release.revisions:
        raise _refused(version, release)
    if version == release.head:
        return version
    is_online = release.is_online(version)
    if is_online and connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}"))
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(path).replace("%", "%%") for path in release.scripts))
    config.attributes["connection"] = connection
    if VERSION_TABLE not in _tables(connection):
        command.stamp(config, version)
    command.upgrade(config, release.head)
    _record_compatible(connection, version if is_online else None)
    return version


def _record_compatible(connection: Connection, before: str | None) -> None:
    """Record that programs of a version may use the database beside those recorded; None: none of them may."""
    if before is None:
        _COMPATIBLE.drop(connection, checkfirst=True)
        return
    _COMPATIBLE.create(connection, checkfirst=True)
    if before not in compatible_versions(connection):
        connection.execute(_COMPATIBLE.insert().values(version_num=before))


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def _refused(version: str, release: Release) -> GomaaError:
    advice = _OTHER
    if version in release.revisions:
        advice = _MIGRATE_ONLINE if release.is_online(version) else _MIGRATE
    return GomaaError("server.database.version", found=version, expected=release.head, reason=advice)
