"""``postgres_processes``: how much three server processes on one PostgreSQL serve beside one.

Real server processes, of which each would have a core of its own: what is compared is their processor time for an
answered request, so it does not matter how many cores this machine has. The load of ``grants`` and ``reports`` goes to
one process, to three by turns of the connections, and to one with SQLite, alternately. All hosts play the same song
of the same station: the rows that every request changes are as few as they can be.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, func, select
from sqlalchemy.engine import Engine

from benchmarks.asking_child import asked_s
from benchmarks.figure import Figure
from benchmarks.grants import KEYS, STEP_MS, record_grants, record_reports
from benchmarks.process_usage import cpu_s, reaped_s
from benchmarks.scale import scaled, setting
from pywallet.encoding.hex import to_hex
from pywallet.settlement import Schedule
from security_server.db.tables import epoch_contents, invocations, tickets, usages
from tests.integration.postgres_cluster import Node, cluster, free_port
from tests.integration.server_client import HostClient
from tests.integration.server_processes import ServerProcess, database_url
from tests.integration.server_songs import Upload, terms
from tests.integration.server_world import TOKENS, World, make_world, private_key

PROCESSES: Final = 3
HOSTS: Final = scaled(24, 3)
EACH: Final = scaled(40, 3)
"""Requests of a host."""
ROUNDS: Final = setting("GOMAA_BENCH_ROUNDS", 3, 1)
LEAD_S: Final = 60
"""Time for the opening of the tickets, before which nothing is heard."""
KINDS: Final = ("grants", "reports")
SCHEDULE: Final = Schedule(86_400, 60, 600, 600, 90_000, 90_000)
"""No epoch ends in a measurement, but where the day does."""
SETTINGS: Final = {"buffer_s": 600, "frames_per_minute": 10**9}
CONFLICTS: Final = "gomaa_server_conflicts_total"
CONFLICT_S: Final = "gomaa_server_conflict_cpu_seconds_total"
REQUESTS: Final = "gomaa_server_requests_total"
BUSY: Final = "server.database.busy"


@dataclass(frozen=True)
class Side:
    """Processes that one load is spread over.

    Attributes:
        name: Of the side.
        processes: Those that are asked.
        database: For the comparison of what is stored.
        postgres: Its PostgreSQL; None: it has SQLite.
    """

    name: str
    processes: Sequence[ServerProcess]
    database: Engine
    postgres: Node | None

    def cpu_s(self) -> float:
        """Processor time of the servers so far, seconds."""
        return sum(cpu_s(process.pid) for process in self.processes)

    def postgres_s(self) -> float:
        """Processor time of PostgreSQL so far, seconds."""
        if self.postgres is None:
            return 0.0
        pids = self.postgres.processes()
        return sum(cpu_s(pid) for pid in pids) + reaped_s(pids[0])


@dataclass
class Costs:
    """Costs of one kind of request at one side.

    Attributes:
        us: Processor time of the servers for a request, microseconds, by round.
        postgres_us: PostgreSQL's.
        requests: Answered requests of all rounds.
        conflicts: Transactions that conflicted and were run again.
        conflict_s: Processor time of those attempts, seconds.
        resent: Requests that were refused after too many conflicts, and sent again.
    """

    us: list[float] = field(default_factory=list)
    postgres_us: list[float] = field(default_factory=list)
    requests: int = 0
    conflicts: int = 0
    conflict_s: float = 0.0
    resent: int = 0

    def detail(self) -> dict[str, Any]:
        """The costs for people."""
        return {
            "us": round(statistics.median(self.us)),
            "postgres_us": round(statistics.median(self.postgres_us)),
            "requests": self.requests,
            "conflicts": self.conflicts,
            "conflict_us": round(self.conflict_s * 1_000_000 / self.requests),
            "resent": self.resent,
        }


Found = dict[str, dict[str, Costs]]
"""Costs by side and kind of request."""


def run() -> list[dict[str, Any]]:
    """The sides alternate; then everything that was answered is compared with what is stored."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_rounds(Path(folder)))
    detail: dict[str, Any] = {"rounds": ROUNDS, "hosts": HOSTS, "requests_each": EACH, "keys": KEYS}
    for kind in KINDS:
        detail[f"{kind}_capacity"] = capacity(found["one"][kind].us, found["three"][kind].us)
    for side, costs in found.items():
        detail[side] = {kind: costs[kind].detail() for kind in KINDS}
    one, three = (_both(found[side]) for side in ("one", "three"))
    return [Figure("postgres_processes", capacity(one, three), "times", "one process", 1, "higher", detail).to_json()]


def capacity(one_us: Sequence[float], many_us: Sequence[float], processes: int = PROCESSES) -> float:
    """Requests that processes serve together beside one, each with a core of its own, times.

    Args:
        one_us: Processor time of one process for a request, by round.
        many_us: Processor time of all of them for a request, by round.
        processes: Their number.
    """
    return round(processes * statistics.median(one_us) / statistics.median(many_us), 2)


def differences(stored: dict[str, int], expected: dict[str, int]) -> list[str]:
    """Counts that are stored in another number than they were answered."""
    return [f"{name}: {stored[name]}, not {count}" for name, count in expected.items() if stored[name] != count]


def _both(costs: dict[str, Costs]) -> list[float]:
    """Time for a request of either kind, by round: there are as many of each."""
    return [statistics.mean(pair) for pair in zip(*(costs[kind].us for kind in KINDS), strict=True)]


async def _rounds(folder: Path) -> Found:
    found: Found = defaultdict(lambda: defaultdict(Costs))
    with cluster() as postgres:
        async with make_world(
            folder, escrow=1000 * TOKENS, bond=1000 * TOKENS, real_time=True, schedule=SCHEDULE
        ) as world:
            # Free and uncounted: what is measured is the grant itself. Every report counts an interval that is owed.
            free = terms(price={"interval_s": 2, "owner": 0, "reward": 0}, counts={})
            policies = {"grants": free, "reports": terms(counts={})}
            async with _sides(world, postgres.primary) as sides:
                world.url = sides[0].processes[0].url
                songs = {kind: await world.publish(policy, kind) for kind, policy in policies.items()}
                world.url = sides[-1].processes[0].url
                for song in songs.values():
                    body = song.body(world.owner_key, world.keys.exchange_public)
                    await world.call("PUT", f"/v1/contents/{to_hex(song.content)}", body)
                for turn in range(ROUNDS):
                    for kind in KINDS:
                        for side in sides:
                            await _measure(world, side, kind, songs[kind], turn, folder, found[side.name][kind])
                for database in {side.database for side in sides}:
                    _compare(database, sum(side.database is database for side in sides))
    return found


@asynccontextmanager
async def _sides(world: World, postgres: Node) -> AsyncIterator[list[Side]]:
    """One process, all of them on the same database, and one with SQLite."""
    urls = [database_url(postgres.port, number) for number in range(PROCESSES)]
    file = f"sqlite:///{world.folder / 'alone.sqlite3'}"
    ports = [free_port() for _ in range(PROCESSES + 1)]
    processes = [
        ServerProcess(world, url, number, {**SETTINGS, "operator_port": ports[number]})
        for number, url in enumerate([*urls, file])
    ]
    async with AsyncExitStack() as stack:
        for process in processes:
            stack.callback(process.kill)
        await asyncio.gather(*(process.start() for process in processes))
        engines = (postgres.engine(), create_engine(file))
        for engine in engines:
            stack.callback(engine.dispose)
        yield [
            Side("one", processes[:1], engines[0], postgres),
            Side("three", processes[:PROCESSES], engines[0], postgres),
            Side("sqlite", processes[PROCESSES:], engines[1], None),
        ]


async def _measure(world: World, side: Side, kind: str, song: Upload, turn: int, folder: Path, costs: Costs) -> None:
    record = record_grants if kind == "grants" else partial(record_reports, lead_ms=LEAD_S * 1000)
    # Hosts sign by the newest block.
    await world.chain.request("evm_mine")
    hosts = [await record(world, song, f"{side.name} {kind} {turn} {n}", EACH) for n in range(HOSTS)]
    postgres_s = 0.0

    async def ready() -> None:
        nonlocal postgres_s
        if kind == "reports":
            # A report is about the past: its time was heard before, and after its ticket was opened.
            await _travel(world, side, LEAD_S + EACH * STEP_MS // 1000)
        postgres_s = side.postgres_s()

    before = await _conflicts(world, side)
    urls = " ".join(f"{process.url}/v1/host" for process in side.processes)
    count = HOSTS * EACH
    spent_s = await asked_s("benchmarks.grants", urls, hosts, count, folder, ready=ready, clock=side.cpu_s)
    costs.us.append(spent_s * 1_000_000 / count)
    costs.postgres_us.append((side.postgres_s() - postgres_s) * 1_000_000 / count)
    after = await _conflicts(world, side)
    costs.requests += count
    costs.conflicts += round(after[0] - before[0])
    costs.conflict_s += after[1] - before[1]
    costs.resent += round(after[2] - before[2])


async def _travel(world: World, side: Side, seconds: int) -> None:
    """Advance the chain's clock, and wait until the side's servers follow."""
    target_ms = await world.travel(seconds)
    for process in side.processes:
        key = private_key("clock")
        async with HostClient(process.url, world.keys.address, world.deployment.domain, key) as host:
            while (await host.hello(time.time_ns() // 1_000_000))["now_ms"] < target_ms:
                await asyncio.sleep(0.05)


async def _conflicts(world: World, side: Side) -> tuple[float, float, float]:
    """Attempts of the side's servers that conflicted so far, their processor time in seconds, and refused requests."""
    totals = {CONFLICTS: 0.0, CONFLICT_S: 0.0, REQUESTS: 0.0}
    for process in side.processes:
        async with world.http.get(f"http://127.0.0.1:{process.settings['operator_port']}/metrics") as answer:
            for family in text_string_to_metric_families(await answer.text()):
                for sample in family.samples:
                    if sample.name in totals and sample.labels.get("code", BUSY) == BUSY:
                        totals[sample.name] += sample.value
    return totals[CONFLICTS], totals[CONFLICT_S], totals[REQUESTS]


def _compare(database: Engine, sides: int) -> None:
    """Require that each answered request of these sides is counted once.

    Raises:
        RuntimeError: Something is missing, or counted twice.
    """
    plays = sides * ROUNDS * HOSTS
    heard_ms = plays * (EACH - 1) * STEP_MS
    expected = {
        "invocations": 2 * plays * EACH,
        "their digests": 2 * plays * EACH,
        "tickets": 2 * plays,
        "intervals": heard_ms // 2_000,
        "intervals owed": heard_ms // 2_000,
        "heard by listeners, ms": heard_ms,
        "heard of contents, ms": heard_ms,
    }
    accepted = select(func.count(), func.count(invocations.c.id.distinct())).where(invocations.c.code.is_(None))
    sums = select(func.count(), func.sum(tickets.c.heard_intervals), func.sum(tickets.c.unvouchered_intervals))
    with database.connect() as connection:
        found = [
            *connection.execute(accepted.select_from(invocations)).one(),
            *connection.execute(sums.select_from(tickets)).one(),
            connection.execute(select(func.sum(usages.c.heard_ms))).scalar_one(),
            connection.execute(select(func.sum(epoch_contents.c.heard_ms))).scalar_one(),
        ]
    # A database that has lost everything sums nothing.
    stored = {name: int(count or 0) for name, count in zip(expected, found, strict=True)}
    if wrong := differences(stored, expected):
        raise RuntimeError(f"stored otherwise than answered: {wrong}")
