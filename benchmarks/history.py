"""``history``: a voucher of 600 lines, and reports, at a server with a year of plays behind it, beside an empty one.

Both servers run in this process, over chains of their own, and everything goes over HTTP and WebSocket as from a
station and a host; rounds alternate. The goal is 1.2: what is over costs nothing.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.figure import Figure, median, percentile
from benchmarks.past import fill
from benchmarks.scale import scaled, setting
from pywallet.crypto import address_of
from security_server.epochs.epoch_store import ended
from tests.integration.server_client import HostClient
from tests.integration.server_songs import Upload, terms
from tests.integration.server_world import SCHEDULE, TOKENS, World, make_world, private_key

TICKETS: Final = setting("GOMAA_BENCH_TICKETS", 10_000_000, 2_000)
"""Plays in the past."""
LINES: Final = scaled(600, 3)
ROUNDS: Final = scaled(5, 1)
HEARD_MS: Final = 10_000


def run() -> list[dict[str, Any]]:
    """One figure for the voucher and one for the reports; ``detail`` has what else was measured."""
    with tempfile.TemporaryDirectory() as folder:
        full, empty = asyncio.run(_measured(Path(folder)))
    detail = {"tickets": TICKETS, "lines": LINES, "rounds": ROUNDS}
    voucher = {**detail, "statement_ms": [median(full.statement), median(empty.statement)]}
    report = {**detail, "p50_ms": [round(percentile(full.report, 0.5), 2), round(percentile(empty.report, 0.5), 2)]}
    p99 = round(percentile(full.report, 0.99), 2), round(percentile(empty.report, 0.99), 2)
    peer = "the same at an empty database"
    return [
        Figure("history_voucher", median(full.voucher), "ms", peer, median(empty.voucher), "lower", voucher).to_json(),
        Figure("history_report_p99", p99[0], "ms", peer, p99[1], "lower", report).to_json(),
    ]


class _Times:
    """Milliseconds of each statement, voucher and report."""

    def __init__(self) -> None:
        self.statement: list[float] = []
        self.voucher: list[float] = []
        self.report: list[float] = []


async def _measured(folder: Path) -> tuple[_Times, _Times]:
    full, empty = _Times(), _Times()
    async with AsyncExitStack() as stack:
        scenes = []
        for name, count, times in (("full", TICKETS, full), ("empty", 0, empty)):
            place = folder / name
            place.mkdir()
            scenes.append((await stack.enter_async_context(_Scene(place, count)), times))
        for turn in range(ROUNDS):
            for scene, times in scenes if turn % 2 else reversed(scenes):
                await scene.round(times)
    return full, empty


class _Scene:
    """A world, its song and its host; ``count`` plays behind it."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._count = folder, count
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> _Scene:
        self.world: World = await self._stack.enter_async_context(
            make_world(self._folder, 10**6 * TOKENS, 10**6 * TOKENS)
        )
        policy = terms(price={"interval_s": 10, "owner": 700, "reward": 300}, counts={})
        async with self.world.server():
            self.song: Upload = await self.world.publish(policy)
        if self._count:
            await asyncio.to_thread(self._fill, (await self.world.now_ms()) // 60_000 - 20)
        settings = {"credit_plays": 10 * LINES, "frames_per_minute": 10**9, "requests_per_minute_address": 10**9}
        self.core = await self._stack.enter_async_context(self.world.server(**settings))
        running = SCHEDULE.epoch_of(await self.world.now_ms() // 1000)
        await self.core.store.run(lambda connection: ended(connection, running))
        self.host: HostClient = await self._stack.enter_async_context(self.world.host())
        await self.host.hello(await self.world.now_ms())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _fill(self, last: int) -> None:
        listeners = [
            (address_of(private_key(f"listener {n}")), address_of(private_key(f"listener {n} payee")))
            for n in range(LINES)
        ]
        ids = {
            "station": self.world.station,
            "content": self.song.content,
            "owner": address_of(self.world.owner_key),
            "device": address_of(private_key("device")),
        }
        fill(self._folder / "server.sqlite3", self._count, listeners, ids, last, SCHEDULE.length)

    async def round(self, times: _Times) -> None:
        """Report one interval of every listener, then request statement and voucher; return the times."""
        world, host = self.world, self.host
        now_ms = await world.travel(SCHEDULE.length)
        device, plays = address_of(host.device_key), []
        for n in range(LINES):
            session = world.session(device, now_ms // 1000, f"listener {n}")
            ticket = world.ticket(self.song, session, now_ms // 1000)
            await host.open(session, ticket)
            await host.grant(host.invocation(ticket, "play", 0, now_ms))
            plays.append(ticket)
        now_ms = await world.travel(HEARD_MS // 1000 + 1)
        for ticket in plays:
            item = host.invocation(ticket, "stop", HEARD_MS, now_ms)
            begin = time.perf_counter()
            answer = await host.report(item)
            times.report.append((time.perf_counter() - begin) * 1000)
            if answer["refused"]:
                raise RuntimeError(f"a report was refused: {answer}")
        begin = time.perf_counter()
        statement, lines = await world.statement()
        times.statement.append((time.perf_counter() - begin) * 1000)
        if len(lines) != LINES:
            raise RuntimeError(f"{len(lines)} lines of {LINES}")
        begin = time.perf_counter()
        await world.vouch(statement.spent, statement.epoch)
        times.voucher.append((time.perf_counter() - begin) * 1000)
