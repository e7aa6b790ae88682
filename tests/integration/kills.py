"""SIGKILL under load: a server process is killed repeatedly while hosts play and a station pays.

``build.py soak kills --kills N`` runs it alone; a test runs it with few kills.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import random
import socket
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from audit.run import audit
from pywallet.crypto import address_of
from pywallet.errors import GomaaError
from pywallet.protocol import (
    Action,
    Invocation,
    Receipt,
    Session,
    Signed,
    Ticket,
    digest,
    sign,
)
from security_server.commands import serve
from security_server.config import Config
from tests.integration.server_client import GONE, HostClient
from tests.integration.server_songs import Upload, terms
from tests.integration.server_world import SCHEDULE, TOKENS, World, make_world, private_key

MOST_REPORTS: Final = 6
"""Invocations that a life of the server acknowledges before it is killed; fewer are as likely."""
POSTING_S: Final = 30
"""Of the time in which an epoch can be posted, seconds with kills.

No code posts what it never lives long enough to post.
"""
PRICE: Final = {"interval_s": 2, "owner": 2 * 10**12, "reward": 10**12}


@dataclass
class Record:
    """Responses that hosts received, to be compared with what is stored.

    Attributes:
        acknowledged: Invocations that the server said it counted.
        receipts: The highest receipt by epoch and payee.
        codes: Refusals by code.
    """

    acknowledged: set[bytes] = field(default_factory=set)
    receipts: dict[tuple[int, bytes], int] = field(default_factory=dict)
    payees: dict[bytes, bytes] = field(default_factory=dict)
    """Payee to its private key."""
    codes: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    faults: list[str] = field(default_factory=list)


def _serve(values: dict[str, Any]) -> None:
    asyncio.run(serve(Config(**values)))


class Server:
    """The server in a process of its own, on one port."""

    def __init__(self, world: World) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._values = {
            "deployment": world.folder / "deployment.json",
            "keys": world.folder / "keys.json",
            "database": str(world.folder / "server.sqlite3"),
            "port": self.port,
        }
        # Each start forks a process with the modules imported, so that the time is the product's, not that of imports.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.integration.kills", "security_server.api.app"])
        self.process: Any = None

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = self._context.Process(target=_serve, args=(self._values,), daemon=True)
        self.process.start()
        async with aiohttp.ClientSession() as http:
            while True:
                with contextlib.suppress(*GONE):
                    async with http.get(f"http://127.0.0.1:{self.port}/v1/info") as answer:
                        if answer.status == 200:
                            return
                if not self.process.is_alive():
                    raise RuntimeError(f"the server ended by itself: {self.process.exitcode}")
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """Kill the process with SIGKILL."""
        self.process.kill()
        await asyncio.to_thread(self.process.join)


class Listener:
    """A host that plays in a loop and resends what was not acknowledged."""

    def __init__(self, world: World, song: Upload, number: int, record: Record) -> None:
        self._world, self._song, self._record = world, song, record
        self._name = f"listener {number}"
        self._dice = random.Random(number)
        self._sequences: dict[bytes, int] = {}
        self._key = private_key(f"device {number}")

    async def run(self) -> None:
        """Play song after song."""
        while True:
            with contextlib.suppress(*GONE):
                try:
                    await self._play()
                except GomaaError as error:
                    self._record.codes[error.code] += 1
            await asyncio.sleep(self._dice.random())

    async def _play(self) -> None:
        world, now_s = self._world, int(time.time())
        key = private_key(f"{self._name} payee {now_s // SCHEDULE.length}")
        payee = address_of(key)
        self._record.payees[payee] = key
        session = world.session(address_of(self._key), now_s, self._name, payee)
        ticket = world.ticket(self._song, session, now_s)
        began = time.monotonic()
        pending: list[Signed[Invocation]] = [self._invocation(session, ticket, "play", 0)]
        end = self._dice.random() * 40
        while pending or time.monotonic() - began < end:
            with contextlib.suppress(*GONE):
                async with HostClient(world.url, world.keys.address, world.deployment.domain, self._key) as host:
                    await host.hello(time.time_ns() // 1_000_000)
                    await host.open(session, ticket)
                    while pending or time.monotonic() - began < end:
                        if not pending:
                            await asyncio.sleep(0.5 + self._dice.random())
                            pending.append(
                                self._invocation(session, ticket, "renew", int((time.monotonic() - began) * 1000))
                            )
                        answer = await host.report(*pending)
                        refused = {one["sequence"] for one in answer["refused"]}
                        self._record.codes.update(one["code"] for one in answer["refused"])
                        good = [one for one in pending if one.message.sequence not in refused]
                        self._record.acknowledged |= {digest(one.message, world.deployment.domain) for one in good}
                        pending.clear()
            await asyncio.sleep(0.05)

    def _invocation(
        self, session: Signed[Session], ticket: Signed[Ticket], action: str, position_ms: int
    ) -> Signed[Invocation]:
        domain = self._world.deployment.domain
        name = digest(session.message, domain)
        sequence = self._sequences[name] = self._sequences.get(name, 0) + 1
        message = Invocation(
            session=name,
            ticket=digest(ticket.message, domain),
            content=ticket.message.content,
            action=int(Action.of(action)),
            position=position_ms,
            sequence=sequence,
            time=time.time_ns() // 1_000_000,
        )
        return sign(message, domain, self._key)


async def _pay(world: World, record: Record) -> None:
    """Request, check and sign statements as the station, in a loop."""
    while True:
        await asyncio.sleep(1)
        with contextlib.suppress(*GONE):
            try:
                statement, lines = await world.statement()
                if lines:
                    await world.vouch(statement.spent, statement.epoch)
            except GomaaError as error:
                record.codes[error.code] += 1


async def _mine(world: World) -> None:
    """A block each second, on this machine's clock."""
    while True:
        await asyncio.sleep(1)
        with contextlib.suppress(GomaaError):
            await world.chain.request("evm_mine")


async def run(folder: Path, kills: int, listeners: int = 12, seed: int = 1) -> Record:
    """Kill the server the given number of times, let the last epochs close, and compare.

    Returns:
        What hosts were told, and in ``faults`` what does not agree with it.
    """
    record, dice = Record(), random.Random(seed)
    async with make_world(folder, escrow=1000 * TOKENS, bond=1000 * TOKENS, real_time=True) as world:
        server = Server(world)
        world.url = f"http://127.0.0.1:{server.port}"
        background = [asyncio.create_task(_mine(world))]
        await server.start()
        song = await world.publish(terms(counts={}, price=PRICE))
        loads = [asyncio.create_task(Listener(world, song, number, record).run()) for number in range(listeners)]
        background.append(asyncio.create_task(_pay(world, record)))
        try:
            first = int(time.time()) // SCHEDULE.length
            while record.kills < kills:
                heard = len(record.acknowledged) + dice.randrange(MOST_REPORTS)
                await asyncio.sleep(dice.random() * 0.8)
                while len(record.acknowledged) < heard or await _posting(world, first):
                    await asyncio.sleep(0.05)
                await server.kill()
                record.kills += 1
                await server.start()
            for task in loads:
                task.cancel()
            await asyncio.gather(*loads, return_exceptions=True)
            last = int(time.time()) // SCHEDULE.length
            await _until_final(world, last)
            await _compare(world, record)
        finally:
            for task in (*loads, *background):
                task.cancel()
            await asyncio.gather(*loads, *background, return_exceptions=True)
            await server.kill()
    return record


async def _posting(world: World, first: int) -> bool:
    """True if the last ended epoch, from ``first`` on, is not yet posted and half of its post window is over."""
    now_s = int(time.time())
    epoch = now_s // SCHEDULE.length - 1
    if epoch < first or now_s < SCHEDULE.post_from(epoch) + POSTING_S:
        return False
    last = (await world.settlement.server_state(world.keys.address)).last
    return last is None or last < epoch


async def _until_final(world: World, epoch: int) -> None:
    while int(time.time()) < SCHEDULE.due(epoch) + 3:
        await asyncio.sleep(1)


async def _compare(world: World, record: Record) -> None:
    import sqlite3

    with sqlite3.connect(f"file:{world.folder / 'server.sqlite3'}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT id FROM invocations WHERE code IS NULL").fetchall()
    stored = Counter(bytes(row[0]) for row in rows)
    lost = record.acknowledged - set(stored)
    twice = [name for name, count in stored.items() if count > 1]
    if lost or twice:
        record.faults.append(f"{len(lost)} acknowledged invocations are lost, {len(twice)} counted twice")
    for payee in sorted(record.payees):
        answer = await world.call("POST", "/v1/receipts", await world.proof(record.payees[payee]))
        for item in answer["receipts"]:
            receipt = Signed.from_json(Receipt, item["receipt"]).message
            key = (receipt.epoch, payee)
            record.receipts[key] = max(record.receipts.get(key, 0), receipt.amount)
    promised: dict[tuple[bytes, int], dict[bytes, int]] = {}
    for (epoch, payee), amount in record.receipts.items():
        promised.setdefault((world.keys.address, epoch), {})[payee] = amount
    result = await audit(world.chain, world.deployment, (world.url,), promised=promised)
    record.faults += [str(fault) for fault in result.faults]
    lane = await world.settlement.server_state(world.keys.address)
    if lane.bond < 1000 * TOKENS:
        record.faults.append(f"the bond is {lane.bond}")


def main() -> int:
    """Print one JSON object; exit code 1 on any discrepancy."""
    parser = argparse.ArgumentParser(prog="build.py soak kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, metavar="N")
    parser.add_argument("--listeners", type=int, default=12, metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gomaa-kills-") as folder:
        record = asyncio.run(run(Path(folder), options.kills, options.listeners))
    figures = {
        "kills": record.kills,
        "acknowledged": len(record.acknowledged),
        "receipts": len(record.receipts),
        "codes": dict(record.codes),
        "faults": record.faults,
    }
    print(json.dumps(figures))
    return int(bool(record.faults))


if __name__ == "__main__":
    import sys

    sys.exit(main())
