"""Several processes on one database: one on SQLite, several on PostgreSQL that count nothing twice."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from demo.waiting import TIMEOUT_S
from messages.server_http import VoucherPost
from messages.settlement import VoucherResult
from pywallet.errors import GomaaError, Unavailable
from pywallet.protocol import (
    Signed,
    Statement,
    Voucher,
    sign,
)
from security_server.db.cursors import read_cursor, set_cursor
from security_server.db.queries import add, get, new
from security_server.db.tables import epoch_contents, epoch_terms
from security_server.db.writer import Store
from tests.unit.security_server.epoch_server import KEYS, STATION, STATION_KEY, EpochServer, begin_s
from tests.unit.security_server.ledger_chain import SCHEDULE, LedgerChain

pytestmark = pytest.mark.long

CONTENT = b"c" * 20


def test_a_second_process_on_sqlite_is_refused(tmp_path: Path) -> None:
    """Another process locks the file; any end of that process unlocks it."""
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


async def test_two_stores_lose_no_count(url: str) -> None:
    """Both read, add and write the same rows at once.

    What was done counts once, what was busy does not, and one leads.
    """
    stores = [Store(url), Store(url)]

    def work(connection: Connection) -> None:
        set_cursor(connection, "counted", (read_cursor(connection, "counted") or 0) + 1)
        add(connection, epoch_contents, {"epoch": 1, "content": CONTENT}, plays=1)

    try:
        ends = await asyncio.gather(*(stores[number % 2].run(work) for number in range(200)), return_exceptions=True)
        assert {type(end) for end in ends} <= {type(None), Unavailable}
        done = ends.count(None)
        assert done > 100
        assert await stores[0].run(lambda connection: read_cursor(connection, "counted")) == done
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


async def test_an_attempt_that_conflicts_is_measured_and_run_again(url: str) -> None:
    """An operator could not tell work from work that was done twice."""
    spent: list[float] = []
    stores = [Store(url, on_conflict=spent.append), Store(url)]
    has_read, may_write = threading.Event(), threading.Event()

    def count(connection: Connection) -> None:
        before = read_cursor(connection, "counted") or 0
        has_read.set()
        may_write.wait(TIMEOUT_S)
        set_cursor(connection, "counted", before + 1)

    try:
        await stores[1].run(lambda connection: set_cursor(connection, "counted", 5))
        counting = asyncio.create_task(stores[0].run(count))
        await asyncio.to_thread(has_read.wait, TIMEOUT_S)
        await stores[1].run(lambda connection: set_cursor(connection, "counted", 6))
        assert spent == []
        may_write.set()
        await counting
        assert await stores[1].run(lambda connection: read_cursor(connection, "counted")) == 7
        assert len(spent) == 1
        assert spent[0] > 0
    finally:
        may_write.set()
        for store in stores:
            store.close()


async def test_a_row_is_found_by_an_amount_in_its_key(url: str) -> None:
    """PostgreSQL compares no text with a number: no ticket could be opened."""
    key = {"epoch": 1, "station_address": STATION, "price": 2**100, "reward": 3, "interval_s": 2}
    store = Store(url)

    def make(connection: Connection) -> bool:
        assert get(connection, epoch_terms, **key) is None
        new(connection, epoch_terms, **key)
        return True

    def remove(connection: Connection) -> None:
        found = get(connection, epoch_terms, **key)
        assert found == key
        connection.delete(epoch_terms, [tuple(found.values())])
        assert get(connection, epoch_terms, **key) is None

    try:
        await store.run(make)
        await store.run(remove)
    finally:
        store.close()


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
    await second.parts.agreement.compare()
    ticket = await first.open()
    heard = 0
    for _ in range(8):
        chain.time_s += 5
        await first.hear(ticket)
        stated = Signed.from_json(Statement, (await second.books.state(STATION)).statement).message
        voucher = sign(
            Voucher(KEYS.address, STATION, stated.spent, SCHEDULE.epoch_of(chain.time_s) + 10),
            first.parts.domain,
            STATION_KEY,
        )
        post = VoucherPost(voucher.to_json())
        answers = await asyncio.gather(*(server.books.voucher(post) for server in servers * 3), return_exceptions=True)
        assert all(isinstance(answer, VoucherResult | Unavailable) for answer in answers), answers
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

    return await server.store.run(
        lambda connection: int(connection.execute(select(lines.c.settled_intervals)).scalar() or 0)
    )
