"""Two processes, older tables: one process on SQLite, several on PostgreSQL that never count one thing twice."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, inspect, select, text

from pywallet.errors import GomaaError, Unavailable
from pywallet.protocol import (
    Signed,
    Statement,
    Voucher,
    sign,
)
from security_server.api.requests import VoucherPost
from security_server.db.cursors import mark, set_mark
from security_server.db.database import schema_version
from security_server.db.queries import add
from security_server.db.tables import epoch_contents
from security_server.db.writer import Store
from station.db.ledger import Store as StationStore
from tests.unit.security_server.epoch_server import KEYS, STATION, STATION_KEY, EpochServer, begin_s
from tests.unit.security_server.ledger_chain import SCHEDULE, LedgerChain

CONTENT = b"c" * 20


def test_a_second_process_on_sqlite_is_refused(tmp_path: Path) -> None:
    """Another process holds the file; its end, however it ends, frees it."""
    url = f"sqlite:///{tmp_path}/db"
    code = (
        f"import sys\nfrom security_server.db.writer import Store\nstore = Store({url!r})\nprint('open', "
        f"flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(GomaaError) as error:
            Store(url)
        assert error.value.code == "server.database.busy"
        other.kill()
        other.wait()
    Store(url).close()


def test_tables_of_another_version_are_refused(tmp_path: Path) -> None:
    """Tables without the mark, or with another one, are left as they are."""
    with sqlite3.connect(tmp_path / "old") as old:
        old.execute("create table epochs (epoch integer primary key)")
    with pytest.raises(GomaaError) as error:
        Store(f"sqlite:///{tmp_path}/old")
    assert error.value.code == "server.database.version"
    assert error.value.detail == {"found": 0, "expected": schema_version()}
    with sqlite3.connect(tmp_path / "old") as old:
        assert old.execute("select name from sqlite_master").fetchall() == [("epochs",)]
    Store(f"sqlite:///{tmp_path}/new").close()
    with sqlite3.connect(tmp_path / "new") as new:
        new.execute("update marks set number = number + 1 where name = 'schema'")
    with pytest.raises(GomaaError) as error:
        Store(f"sqlite:///{tmp_path}/new")
    assert error.value.code == "server.database.version"
    assert error.value.detail == {"found": schema_version() + 1, "expected": schema_version()}


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A PostgreSQL of its own on a socket in a folder; its URL."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    driver = next((name for name in ("psycopg", "psycopg2") if _has(name)), None)
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


def _has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


@pytest.fixture
def url(postgres: str) -> str:
    """The same server, empty."""
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("drop schema public cascade"))
        connection.execute(text("create schema public"))
    engine.dispose()
    return postgres


async def test_two_stores_lose_no_count(url: str) -> None:
    """Both read, add and write the same rows at once.

    What was done counts once, what was busy does not, and one leads.
    """
    stores = [Store(url), Store(url)]

    def work(connection: Connection) -> None:
        set_mark(connection, "counted", (mark(connection, "counted") or 0) + 1)
        add(connection, epoch_contents, {"epoch": 1, "content": CONTENT}, plays=1)

    try:
        ends = await asyncio.gather(*(stores[number % 2].run(work) for number in range(200)), return_exceptions=True)
        assert {type(end) for end in ends} <= {type(None), Unavailable}
        done = ends.count(None)
        assert done > 100
        assert await stores[0].run(lambda connection: mark(connection, "counted")) == done
        assert (
            await stores[1].run(lambda connection: connection.execute(select(epoch_contents.c.plays)).scalar()) == done
        )
        assert [await store.leads() for store in stores] == [True, False]
        stores[0].close()
        # The database hears a moment later that the first one has gone.
        while not await stores[1].leads():
            await asyncio.sleep(0.05)
    finally:
        stores[1].close()


async def test_two_servers_settle_a_payer_once(url: str, tmp_path: Path) -> None:
    """The finding: two processes doubled debits.

    They race for the same vouchers, and what is posted is what was heard.
    """
    chain = LedgerChain(begin_s())
    chain.deposit(STATION, 10**12)
    servers = [EpochServer(tmp_path, chain, url), EpochServer(tmp_path, chain, url)]
    first, second = servers
    await first.prepare()
    second.session = first.session
    await second.core.agreement.look()
    ticket = await first.open()
    heard = 0
    for _ in range(8):
        chain.time_s += 5
        await first.hear(ticket)
        stated = Signed.from_json(Statement, (await second.books._state(STATION, ()))["statement"]).message
        voucher = sign(
            Voucher(KEYS.address, STATION, stated.spent, SCHEDULE.epoch_of(chain.time_s) + 10),
            first.core.domain,
            STATION_KEY,
        )
        post = VoucherPost(voucher.to_json())
        answers = await asyncio.gather(*(server.books.voucher(post) for server in servers * 3), return_exceptions=True)
        assert all(isinstance(answer, dict | Unavailable) for answer in answers), answers
        heard = await _intervals(first)
    await first.collect()
    chain.time_s = SCHEDULE.ends(SCHEDULE.epoch_of(chain.time_s)) + 1
    await asyncio.gather(*(server.closing.round() for server in servers))
    (epoch,) = chain.ledger.posts
    assert [entry.net for entry in chain.ledger.posts[epoch].entries] == [heard * 1_000]
    assert heard >= 3
    await first.check_epoch(epoch)
    for server in servers:
        server.kill()


async def _intervals(server: EpochServer) -> int:
    from security_server.db.tables import lines

    return await server.store.run(lambda connection: int(connection.execute(select(lines.c.intervals)).scalar() or 0))


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
