"""``takeover_s``: seconds until another server process serves a host whose own one was killed or stopped.

Three real server processes on one PostgreSQL. The host has its next invocation ready, asks the next process once its
own is gone or has not answered for ``ANSWER_S``, and is done when that invocation is acknowledged.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.figure import Figure
from benchmarks.scale import setting
from tests.integration.chaos import PRICE, SCHEDULE
from tests.integration.chaos_hosts import ANSWER_S, ChaosHost, Record
from tests.integration.postgres_cluster import cluster
from tests.integration.server_processes import ServerProcess, Servers, server_processes
from tests.integration.server_songs import Upload, terms
from tests.integration.server_world import TOKENS, World, make_world

ROUNDS: Final = setting("GOMAA_BENCH_ROUNDS", 6, 1)
"""Kills, and as many stops."""


def run() -> list[dict[str, Any]]:
    """The median over kills and stops, of the leading process and of others; the peer's host changes by itself."""
    with tempfile.TemporaryDirectory() as folder:
        killed, stopped, changed = asyncio.run(_rounds(Path(folder)))
    detail = {
        "rounds": ROUNDS,
        "killed_s": round(statistics.median(killed), 3),
        "stopped_s": round(statistics.median(stopped), 3),
        "longest_s": round(max(killed + stopped), 3),
        "asks_another_after_s": ANSWER_S,
    }
    peer = "the same host connects to a process that lives"
    ours, theirs = (round(statistics.median(samples), 3) for samples in (killed + stopped, changed))
    return [Figure("takeover_s", ours, "s", peer, theirs, "lower", detail).to_json()]


async def _rounds(folder: Path) -> tuple[list[float], list[float], list[float]]:
    killed, stopped, changed = [], [], []
    with cluster() as postgres:
        async with (
            make_world(folder, escrow=1000 * TOKENS, bond=1000 * TOKENS, real_time=True, schedule=SCHEDULE) as world,
            server_processes(world, postgres, 3) as servers,
        ):
            song = await world.publish(terms(counts={}, price=PRICE))
            dice = random.Random(1)
            for turn in range(ROUNDS):
                number = await servers.until_led() if turn % 2 == 0 else dice.randrange(3)
                process = servers.processes[number]
                changed.append(await _timed(world, song, servers, process, "change", 3 * turn))
                killed.append(await _timed(world, song, servers, process, "kill", 3 * turn + 1))
                await process.start()
                stopped.append(await _timed(world, song, servers, process, "stop", 3 * turn + 2))
                process.go_on()
    return killed, stopped, changed


async def _timed(world: World, song: Upload, servers: Servers, process: ServerProcess, how: str, number: int) -> float:
    """Seconds from the fault of the host's process to the next acknowledgement."""
    urls = [*servers.urls[process.number :], *servers.urls[: process.number]]
    host = ChaosHost(world, song, urls, number, Record(), first=0)
    play = await host.open()
    await host.invoke(play)
    began = time.monotonic()
    if how == "kill":
        process.kill()
    elif how == "stop":
        process.stop()
    else:
        await host.leave()
        host.turn()
    await host.invoke(play)
    took_s = time.monotonic() - began
    await host.leave()
    return took_s
