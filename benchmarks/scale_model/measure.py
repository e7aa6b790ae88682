"""``python -m benchmarks.scale_model.measure``: costs of the model that no figure measures, as JSON.

Processor time of one security server for each step of a play, without the hosts, which live in a child process; and
bytes of its database for each row, indexes included.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import aiohttp

from benchmarks.asking_child import asked_s
from benchmarks.figure import median
from benchmarks.past import EACH, fill
from benchmarks.scale import scaled
from pywallet.crypto import address_of
from pywallet.crypto.key_wrap import generate_keypair
from pywallet.encoding.hex import to_b64, to_hex
from pywallet.protocol import digest
from security_server.db.writer import Store
from tests.integration.server_client import HostClient
from tests.integration.server_songs import Upload, terms
from tests.integration.server_world import SCHEDULE, World, make_world, private_key

HOSTS: Final = scaled(8, 1)
REQUESTS: Final = scaled(60, 3)
"""Of each host in a round."""
ROUNDS: Final = scaled(3, 1)
MANY_KEYS: Final = 30
"""Segments of 2 s in a lease of a minute."""
ROWS: Final = scaled(20_000, 500)
"""Plays in the database whose size is measured."""
STEPS: Final = ("connect_us", "open_us", "lease_1_us", "lease_many_us")


def main() -> int:
    """Print the measured costs."""
    with tempfile.TemporaryDirectory() as folder:
        times = asyncio.run(_rounds(Path(folder)))
        found: dict[str, float] = {name: median(samples) for name, samples in times.items()}
        found["key_us"] = round((found["lease_many_us"] - found["lease_1_us"]) / (MANY_KEYS - 1), 1)
        rows = row_bytes(Path(folder) / "rows.sqlite3")
    print(json.dumps({"us": found, "keys": MANY_KEYS, "row_bytes": rows}, indent=2))
    return 0


class _Script(HostClient):
    """A host that records its requests."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.frames: list[str] = []

    async def frame(self, frame: Any) -> dict[str, Any]:
        self.frames.append(json.dumps(frame))
        return {"ok": True, "result": {"sequence": 0}}


async def _rounds(folder: Path) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in STEPS}
    async with make_world(folder) as world:
        policy = terms(counts={}, lease={"window_s": 60, "seconds": 600, "invocations": 20})
        settings = {"buffer_s": 600, "credit_plays": 10**6, "frames_per_minute": 10**9}
        async with world.server(**settings):
            song = await world.publish(policy)
            for turn in range(ROUNDS):
                for step in STEPS:
                    hosts = [await _script(world, song, step, f"{step} {turn} {n}") for n in range(HOSTS)]
                    found[step].append(await _timed(f"{world.url}/v1/host", hosts, folder))
    return found


async def _script(world: World, song: Upload, step: str, name: str) -> tuple[int, list[str]]:
    """Requests before the clock starts (0: the connection is timed, too), and all requests."""
    now_ms = await world.now_ms()
    host = _Script(world.url, world.keys.address, world.deployment.domain, private_key(name))
    await host.hello(now_ms)
    if step == "connect_us":
        return 0, host.frames
    session = world.session(address_of(host.device_key), now_ms // 1000, listener=name)
    if step == "open_us":
        # The first open brings the session.
        for _ in range(1 + REQUESTS):
            await host.open(session, world.ticket(song, session, now_ms // 1000))
        return 2, host.frames
    ticket = world.ticket(song, session, now_ms // 1000)
    await host.open(session, ticket)
    count = 1 if step == "lease_1_us" else MANY_KEYS
    wish = {"ticket": to_hex(digest(ticket.message, host.domain)), "count": count}
    for n in range(REQUESTS):
        await host.ask("lease", **wish, first=n % 2 * count, key=to_b64(generate_keypair()[1]))
    return 2, host.frames


async def _timed(url: str, hosts: Sequence[tuple[int, Sequence[str]]], folder: Path) -> float:
    """Microseconds of this process's processor for each timed request of the child."""
    timed = sum(len(frames) - before for before, frames in hosts)
    return await asked_s("benchmarks.scale_model.measure", url, hosts, timed, folder) / timed * 1_000_000


async def _child(url: str, path: Path) -> None:
    hosts = json.loads(path.read_text())
    counted: Counter[str] = Counter()

    async def ask(socket: aiohttp.ClientWebSocketResponse, frame: str) -> str:
        await socket.send_str(frame)
        while "event" in (answer := json.loads((await socket.receive()).data)):
            pass
        return "ok" if answer["ok"] else str(answer["error"]["code"])

    async with aiohttp.ClientSession() as http:
        sockets: list[aiohttp.ClientWebSocketResponse | None] = []
        for before, frames in hosts:
            socket = await http.ws_connect(url) if before else None
            sockets.append(socket)
            for frame in frames[:before]:
                assert socket is not None
                if (code := await ask(socket, frame)) != "ok":
                    raise RuntimeError(code)

        async def run(socket: aiohttp.ClientWebSocketResponse | None, frames: Sequence[str]) -> None:
            socket = socket or await http.ws_connect(url)
            for frame in frames:
                counted[await ask(socket, frame)] += 1

        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        each = zip(sockets, hosts, strict=True)
        await asyncio.gather(*(run(socket, frames[before:]) for socket, (before, frames) in each))
        print(json.dumps(counted), flush=True)


def row_bytes(path: Path) -> dict[str, int]:
    """Bytes of each table's row with its part of the indexes, in full pages as ``VACUUM`` leaves them.

    Args:
        path: A new SQLite file.
    """
    Store(f"sqlite:///{path}").close()
    listeners = [(address_of(private_key(f"listener {n}")), address_of(private_key(f"payee {n}"))) for n in range(50)]
    ids = {name: address_of(private_key(name)) for name in ("station", "content", "owner", "device")}
    fill(path, ROWS, listeners, ids, 400_000, SCHEDULE.length)
    counts = {"tickets": ROWS, "lines": ROWS, "receipts": ROWS, "invocations": EACH * ROWS}
    with closing(sqlite3.connect(path)) as db:
        db.execute("VACUUM")
        names = dict(db.execute("SELECT name, tbl_name FROM sqlite_master").fetchall())
        total: Counter[str] = Counter()
        for name, size in db.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"):
            total[names.get(name, name)] += size
    return {table: -(-total[table] // count) for table, count in counts.items()}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(_child(sys.argv[1], Path(sys.argv[2])))
    else:
        sys.exit(main())
