"""Processes on one PostgreSQL that stop, lose their connection or do not answer: others lead, nothing runs twice."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from demo.waiting import TIMEOUT_S
from pywallet.errors import Unavailable
from security_server.config import Config
from security_server.db.connection import Connection
from security_server.db.cursors import read_cursor, set_cursor
from security_server.db.sessions import ANSWER_S, BEAT_S, IDLE_S, LOCK_S, TRANSACTION_S
from security_server.db.writer import Store
from tests.integration.postgres_proxy import PostgresProxy

pytestmark = pytest.mark.long

LEADER = """
import asyncio, sys
from security_server.db.cursors import set_cursor
from security_server.db.writer import Store

async def main():
    store = Store(sys.argv[1])
    assert await store.leads()
    if sys.argv[2] == "busy":
        import threading
        def work(connection):
            set_cursor(connection, "led", 1)
            connection.flush()
            print("leads", flush=True)
            sys.stdin.readline()
        try:
            await store.lead(work)
        except Exception as error:
            print(getattr(error, "code", repr(error)), flush=True)
    else:
        print("leads", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
    try:
        await store.lead(lambda connection: set_cursor(connection, "led", 2))
        print("written", flush=True)
    except Exception as error:
        print(getattr(error, "code", repr(error)), flush=True)

asyncio.run(main())
"""


@contextlib.contextmanager
def _leader(url: str, how: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", LEADER, url, how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "leads\n"
            yield process
        finally:
            process.kill()


async def _until_it_leads(store: Store) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not await store.leads():
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("how", ["idle", "busy"])
async def test_a_stopped_leader_is_replaced_and_writes_nothing_afterwards(url: str, how: str) -> None:
    """A leader that is stopped, also inside a transaction, would keep all others from closing epochs for ever.

    Once it runs again, its transaction and the next one of what it does as leader are refused.
    """
    with _leader(url, how) as leader:
        store = Store(url)
        try:
            assert not await store.leads()
            leader.send_signal(signal.SIGSTOP)
            await _until_it_leads(store)
            await store.lead(lambda connection: set_cursor(connection, "led", 7))
            leader.send_signal(signal.SIGCONT)
            said, _ = await asyncio.to_thread(leader.communicate, "\n")
            assert set(said.split()) == {"server.database.busy"}
            assert await store.run(lambda connection: read_cursor(connection, "led")) == 7
        finally:
            store.close()


@pytest.fixture
def proxied(url: str) -> Iterator[tuple[str, PostgresProxy]]:
    """URL of an empty database by a proxy."""
    folder = make_url(url).query["host"]
    assert isinstance(folder, str)
    with PostgresProxy(Path(folder) / ".s.PGSQL.5432") as proxy:
        yield url.partition("@")[0] + f"@127.0.0.1:{proxy.port}/gomaa", proxy


def _count(connection: Connection) -> None:
    set_cursor(connection, "counted", (read_cursor(connection, "counted") or 0) + 1)


async def _counted(store: Store) -> int | None:
    return await store.run(lambda connection: read_cursor(connection, "counted"))


async def test_a_process_that_is_cut_off_answers_with_a_code_and_recovers(proxied: tuple[str, PostgresProxy]) -> None:
    """A host whose server waits for its database without limit would not ask another server.

    What was refused before it began is not done afterwards.
    """
    url, proxy = proxied
    store = Store(url)
    loop = asyncio.get_running_loop()
    try:
        await store.run(_count)
        assert await store.leads()
        proxy.hold()
        began = loop.time()
        answers = await asyncio.gather(*(store.run(_count) for _ in range(3)), return_exceptions=True)
        assert all(isinstance(answer, Unavailable) and answer.code == "server.database.busy" for answer in answers)
        # The limit of the product, and not of this machine's speed.
        assert loop.time() - began < ANSWER_S + TIMEOUT_S
        proxy.pass_on()
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                with contextlib.suppress(Unavailable):
                    if await _counted(store):
                        break
            while not await store.leads():
                await asyncio.sleep(0.05)
        before = await _counted(store)
        await store.run(_count)
        assert before is not None
        assert await _counted(store) == before + 1
    finally:
        proxy.pass_on()
        store.close()


async def test_lost_connections_are_replaced(proxied: tuple[str, PostgresProxy]) -> None:
    """A PostgreSQL that was restarted, or another one that took its place, would fail the first request after it."""
    url, proxy = proxied
    store = Store(url)
    try:
        for _ in range(3):
            await store.run(_count)
            proxy.cut()
        assert await _counted(store) == 3
    finally:
        store.close()


async def test_a_commit_without_an_answer_is_not_repeated(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The transaction may be in the database: done again, its functions would count twice."""
    store = Store(url)
    dialect = store._engine.dialect
    commit = dialect.do_commit
    lost = []

    def commit_and_lose(connection: Any) -> None:
        commit(connection)
        if not lost:
            lost.append(True)
            connection.dbapi_connection.close()
            raise dialect.loaded_dbapi.OperationalError("the connection is lost")

    try:
        monkeypatch.setattr(dialect, "do_commit", commit_and_lose)
        answers = await asyncio.gather(*(store.run(_count) for _ in range(8)), return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, Unavailable)]
        assert refused
        assert {answer for answer in answers if answer not in refused} <= {None}
        assert await _counted(store) == len(answers)
    finally:
        store.close()


async def test_a_stopped_transaction_frees_what_it_has_locked(url: str) -> None:
    """A process that is stopped between two statements would block the rows that it has written for all others."""
    code = LEADER.replace("store.lead(work)", "store.run(work)")
    command = [sys.executable, "-c", code, url, "busy"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as stopped:
        store = Store(url)
        try:
            assert stopped.stdout is not None
            assert stopped.stdout.readline() == "leads\n"
            stopped.send_signal(signal.SIGSTOP)
            async with asyncio.timeout(TIMEOUT_S):
                while True:
                    with contextlib.suppress(Unavailable):
                        await store.run(lambda connection: set_cursor(connection, "led", 7))
                        break
            assert await store.run(lambda connection: read_cursor(connection, "led")) == 7
        finally:
            stopped.kill()
            store.close()


def test_the_limits_follow_from_each_other() -> None:
    """A host would wait longer than ten seconds, or a process that lives would lose the lead by itself."""
    asks_s = Config(Path(), Path()).close_every_s
    # A statement that waits for a lock is the last thing that a stopped leader does.
    assert LOCK_S + IDLE_S + asks_s < 10
    assert TRANSACTION_S < ANSWER_S < 10
    assert 2 * BEAT_S < IDLE_S
    # Who waits for a stopped process gets what it has locked before the request is refused.
    assert IDLE_S < TRANSACTION_S


def test_a_database_that_is_away_at_the_start_has_a_code() -> None:
    """An operator would see the driver's traceback."""
    with pytest.raises(Unavailable) as error:
        Store("postgresql+psycopg://gomaa@127.0.0.1:1/gomaa")
    assert error.value.code == "server.database.busy"
