"""The store: commit before answer, rollback alone, neighbours together."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from security_server.db.connection import Connection
from security_server.db.queries import add, get, put
from security_server.db.tables import epoch_contents, payees
from security_server.db.writer import Store

CONTENT = b"c" * 20


async def test_an_answer_comes_after_its_commit(tmp_path: Path) -> None:
    """What run() answered is visible to another connection at once."""
    store = Store(f"sqlite:///{tmp_path}/db")
    await store.run(lambda connection: add(connection, epoch_contents, {"epoch": 1, "content": CONTENT}, plays=1))
    with sqlite3.connect(tmp_path / "db") as other:
        assert other.execute("select plays from epoch_contents").fetchall() == [(1,)]
    store.close()


async def test_a_failure_undoes_itself_and_nothing_else(tmp_path: Path) -> None:
    """Of many jobs at once, those that raise leave no trace and the others all count."""
    store = Store(f"sqlite:///{tmp_path}/db")

    def work(index: int, connection: Connection) -> None:
        add(connection, epoch_contents, {"epoch": 1, "content": CONTENT}, plays=1)
        if index % 3 == 0:
            raise ValueError(index)

    jobs = [store.run(lambda connection, index=index: work(index, connection)) for index in range(60)]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert [isinstance(result, ValueError) for result in results] == [index % 3 == 0 for index in range(60)]
    row = await store.run(lambda connection: get(connection, epoch_contents, epoch=1, content=CONTENT))
    assert row is not None
    assert row["plays"] == 40
    store.close()


async def test_amounts_beyond_sql_integers_are_exact(tmp_path: Path) -> None:
    """2^128 - 1 wei comes back to the wei."""
    store = Store(f"sqlite:///{tmp_path}/db")
    most = (1 << 128) - 1
    await store.run(
        lambda connection: put(connection, payees, {"epoch": 1, "payee": CONTENT}, amount=most, owner_amount=0)
    )
    assert await store.run(lambda connection: connection.execute(select(payees.c.amount)).scalar()) == most
    store.close()


async def test_settlement_goes_before_what_listeners_wait_for(tmp_path: Path) -> None:
    """A statement or an epoch would wait behind every play that is asked for."""
    store, free, called = Store(f"sqlite:///{tmp_path}/db"), threading.Event(), []
    busy = asyncio.ensure_future(store.run(lambda _: free.wait()))
    orders = [("first", True), ("epoch", False), ("second", True), ("statement", False)]
    waiting = [
        asyncio.ensure_future(store.run(lambda _, name=name: called.append(name), for_listener=for_listener))
        for name, for_listener in orders
    ]
    await asyncio.sleep(0)
    free.set()
    await asyncio.gather(busy, *waiting)
    assert called == ["epoch", "statement", "first", "second"]
    assert store.wait_s() == 0
    store.close()


async def test_commits_are_measured(tmp_path: Path) -> None:
    """The metrics of the writer would stay empty."""
    sizes: list[int] = []
    store = Store(f"sqlite:///{tmp_path}/db", lambda _, size: sizes.append(size))
    await asyncio.gather(*(store.run(lambda _: None) for _ in range(5)))
    store.close()
    assert sum(sizes) == 5


async def test_a_cancelled_caller_does_not_stop_the_writer(tmp_path: Path) -> None:
    """The transaction of a caller that went away is committed, and the next one runs."""
    store = Store(f"sqlite:///{tmp_path}/db")
    task = asyncio.ensure_future(
        store.run(lambda connection: add(connection, epoch_contents, {"epoch": 1, "content": CONTENT}, plays=1))
    )
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await store.run(lambda connection: get(connection, epoch_contents, epoch=1, content=CONTENT))
    assert row is not None
    assert row["plays"] == 1
    store.close()
