"""Server processes on one PostgreSQL that are killed, stopped, cut off and slowed while hosts play and a station pays.

``build.py soak chaos --seeds N`` runs it alone; a test runs it with one seed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from pywallet.errors import GomaaError
from pywallet.settlement import Schedule
from tests.integration.chaos_checks import compare
from tests.integration.chaos_faults import Fault, Faults, sequence
from tests.integration.chaos_hosts import ChaosHost, Record
from tests.integration.postgres_cluster import cluster
from tests.integration.server_client import GONE
from tests.integration.server_processes import Servers, log_of, server_processes
from tests.integration.server_songs import terms
from tests.integration.server_world import TOKENS, World, make_world

SCHEDULE: Final = Schedule(30, 4, 10, 12, 3_600, 70)
PRICE: Final = {"interval_s": 2, "owner": 2 * 10**12, "reward": 10**12}


@dataclass
class Outcome:
    """Events of a run.

    Attributes:
        seed: Of the faults.
        record: What hosts were told.
        faults: Faults that were caused.
        epochs: Epochs that are final.
        wrong: What does not agree.
        log: End of the processes' logs.
    """

    seed: int
    record: Record
    faults: list[Fault] = field(default_factory=list)
    epochs: int = 0
    wrong: list[str] = field(default_factory=list)
    log: str = ""

    def to_json(self) -> dict[str, Any]:
        """Figures as plain values."""
        return {
            "seed": self.seed,
            "plays": len(self.record.plays),
            "acknowledged": self.record.acknowledged,
            "epochs": self.epochs,
            "lost": dict(self.record.lost),
            "faults": [asdict(fault) for fault in self.faults],
            "wrong": self.wrong,
        }


async def run(folder: Path, seed: int, faults: Sequence[tuple[str, bool]], hosts: int = 9) -> Outcome:
    """Cause the faults, let every epoch close, and compare what was acknowledged with what is stored and published.

    Args:
        folder: For the servers' files.
        seed: Of the choice of processes and of delays.
        faults: Kinds, and True for the leading process.
        hosts: Number of hosts.
    """
    outcome = Outcome(seed, Record())
    with cluster() as postgres:
        async with make_world(
            folder, escrow=1000 * TOKENS, bond=1000 * TOKENS, real_time=True, schedule=SCHEDULE
        ) as world:
            mining = asyncio.create_task(_mine(world))
            try:
                async with server_processes(world, postgres, 3, seed) as servers:
                    await _under_load(world, servers, outcome, faults, hosts)
            finally:
                outcome.log = log_of(folder)
                mining.cancel()
    return outcome


async def _under_load(
    world: World, servers: Servers, outcome: Outcome, faults: Sequence[tuple[str, bool]], count: int
) -> None:
    await asyncio.to_thread(servers.cluster.replicate)
    song = await world.publish(terms(counts={}, price=PRICE))
    hosts = [ChaosHost(world, song, servers.urls, number, outcome.record) for number in range(count)]
    playing = [asyncio.create_task(host.run()) for host in hosts]
    paying = asyncio.create_task(pay(world, servers.urls))
    try:
        while not all(host.answers for host in hosts):
            await asyncio.sleep(0.05)
        causing = Faults(servers, hosts, random.Random(outcome.seed))
        for kind, leader in faults:
            outcome.faults.append(await causing.cause(kind, leader=leader))
            print(json.dumps(asdict(outcome.faults[-1])), flush=True)
        for host in hosts:
            host.is_ending = True
        await asyncio.gather(*playing)
        last = int(time.time()) // SCHEDULE.length
        while int(time.time()) < SCHEDULE.due(last) + 3:
            await asyncio.sleep(0.5)
        paying.cancel()
        outcome.epochs = await compare(world, servers, outcome.record, outcome.wrong, last)
    finally:
        for task in (*playing, paying):
            task.cancel()
        await asyncio.gather(*playing, paying, return_exceptions=True)
        for host in hosts:
            await host.leave()


async def pay(world: World, urls: Sequence[str]) -> None:
    """Request, check and sign statements as the station, in a loop, each time at another process."""
    turn = 0
    while True:
        await asyncio.sleep(1)
        turn += 1
        world.url = urls[turn % len(urls)]
        with contextlib.suppress(GomaaError, *GONE):
            async with asyncio.timeout(10):
                statement, lines = await world.statement()
                if lines:
                    await world.vouch(statement.spent, statement.epoch)


async def _mine(world: World) -> None:
    """A block each second, on this machine's clock."""
    while True:
        await asyncio.sleep(1)
        with contextlib.suppress(GomaaError):
            await world.chain.request("evm_mine")


def main() -> int:
    """Print one JSON object for each seed; exit code 1 on any discrepancy."""
    parser = argparse.ArgumentParser(prog="build.py soak chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, metavar="N")
    parser.add_argument("--seed", type=int, metavar="K", help="this one alone")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="faults of each kind")
    options = parser.parse_args()
    failed = False
    for seed in range(options.seeds) if options.seed is None else [options.seed]:
        with tempfile.TemporaryDirectory(prefix="gomaa-chaos-") as folder:
            outcome = asyncio.run(run(Path(folder), seed, sequence(random.Random(seed), options.rounds)))
        print(json.dumps(outcome.to_json()), flush=True)
        if outcome.wrong or outcome.record.refusals:
            failed = True
            print(outcome.log, flush=True)
    return int(failed)


if __name__ == "__main__":
    import sys

    sys.exit(main())
