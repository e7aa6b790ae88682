"""Fixtures of the security server's unit tests: an empty server, a PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from security_server.chain.money import Money
from security_server.db.connection import Connection, Rows
from security_server.db.database import open_database
from security_server.playback.conditions import Conditions
from tests.unit.security_server.server_desk import START_MS, Desk, terms


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An empty server with a rich station."""
    engine, lock = open_database(f"sqlite:///{tmp_path}/db")
    money = Money(escrow=10**9, requested=0, spent=0, bps=500)
    with engine.begin() as raw:
        connection = Connection(raw, Rows(engine.dialect))
        yield Desk(connection, terms(), Conditions(START_MS, 7, "radio.example", False, False, money))
    lock.release()
    engine.dispose()


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL server on a socket in a temporary folder."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    driver = next((name for name in ("psycopg", "psycopg2") if find_spec(name) is not None), None)
    if driver is None:
        pytest.skip("no driver for PostgreSQL is installed")
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    # PostgreSQL refuses to run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    subprocess.run(
        [*user, programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "gomaa"],
        check=True,
        capture_output=True,
    )
    options = f"-c listen_addresses='' -k {folder} -c fsync=off"
    start = [*user, programs / "pg_ctl", "-D", folder / "data", "-o", options, "-l", folder / "log", "-w", "start"]
    subprocess.run(start, check=True, capture_output=True)
    try:
        subprocess.run(
            [*user, programs / "createdb", "-h", folder, "-U", "gomaa", "gomaa"], check=True, capture_output=True
        )
        yield f"postgresql+{driver}://gomaa@/gomaa?host={folder}"
    finally:
        stop = [*user, programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "-w", "stop"]
        subprocess.run(stop, check=True, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def url(postgres: str) -> str:
    """URL of an empty PostgreSQL database."""
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("drop schema public cascade"))
        connection.execute(text("create schema public"))
    engine.dispose()
    return postgres
