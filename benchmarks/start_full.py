"""``start_10m``: seconds from the start of a security server to its address, with 10^7 invocations in its database.

The database is written by SQL (``benchmarks.past``); its last plays are playing, as after a power cut. The peer is the
same server before, with one content and nothing else. Every start follows a kill.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from benchmarks.figure import Figure
from benchmarks.past import EACH, EPOCHS, FIRST, fill
from benchmarks.scale import scaled, setting
from demo.paths import ROOT
from pywallet.crypto import address_of
from tests.integration.server_songs import terms
from tests.integration.server_world import SCHEDULE, World, make_world, private_key

INVOCATIONS: Final = setting("GOMAA_BENCH_INVOCATIONS", 10_000_000, 2_000)
PLAYING: Final = scaled(2_000, 20)
"""Plays that had not ended."""
ROUNDS: Final = scaled(3, 1)
CONFIG: Final = """deployment = "deployment.json"
keys = "keys.json"
database = "server.sqlite3"
port = 0
keep_days = 0
"""


def run() -> list[dict[str, Any]]:
    """The median of a few starts; ``detail`` has all, and what counting the rows takes."""
    with tempfile.TemporaryDirectory() as folder:
        full, empty, detail = asyncio.run(_measured(Path(folder)))
    value, peer = (round(sorted(times)[len(times) // 2], 2) for times in (full, empty))
    detail |= {"s": [round(one, 2) for one in full], "empty_s": [round(one, 2) for one in empty]}
    return [Figure("start_10m", value, "s", "the same at an empty database", peer, "lower", detail).to_json()]


async def _measured(folder: Path) -> tuple[list[float], list[float], dict[str, Any]]:
    async with make_world(folder, real_time=True) as world:
        async with world.server():
            song = await world.publish(terms(price={"interval_s": 10, "owner": 700, "reward": 300}, counts={}))
        (folder / "server.toml").write_text(CONFIG)
        empty = [await asyncio.to_thread(_start_s, folder) for _ in range(ROUNDS)]
        now_s = await world.now_ms() // 1000
        await asyncio.to_thread(_fill, world, song.content, now_s)
        # It compares every epoch with the chain, which a server does once and while it runs.
        first = await asyncio.to_thread(_start_s, folder)
        full = [await asyncio.to_thread(_start_s, folder) for _ in range(ROUNDS)]
        detail = await asyncio.to_thread(_size, folder / "server.sqlite3")
        return full, empty, {**detail, "epochs": EPOCHS, "all_epochs_compared_s": round(first, 2)}


def _start_s(folder: Path) -> float:
    """Start the server, wait until it says where it listens, and kill it; seconds."""
    command = [sys.executable, "-m", "gomaa", "server", "run", "--config", str(folder / "server.toml")]
    began = time.monotonic()
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        elapsed = time.monotonic() - began
        if "listening" not in json.loads(line or "{}"):
            raise RuntimeError((folder / "server.log").read_text()[-2_000:])
        return elapsed
    finally:
        process.kill()
        process.wait()


def _fill(world: World, content: bytes, now_s: int) -> None:
    tickets = INVOCATIONS // EACH
    listeners = [
        (address_of(private_key(f"listener {n}")), address_of(private_key(f"payee {n}"))) for n in range(PLAYING)
    ]
    ids = {
        "station": world.station,
        "content": content,
        "owner": address_of(world.owner_key),
        "device": address_of(private_key("device")),
    }
    path = world.folder / "server.sqlite3"
    fill(path, tickets, listeners, ids, now_s // SCHEDULE.length - 20, SCHEDULE.length)
    last = FIRST + tickets - PLAYING
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN")
        db.execute(
            "UPDATE tickets SET play_state = 'playing', expiry_s = :now + 3600, opened_ms = (:now - 60) * 1000,"
            " last_signed_ms = :now * 1000, last_received_ms = :now * 1000 WHERE number >= :last",
            {"now": now_s, "last": last},
        )
        db.execute(
            "INSERT INTO listeners (listener, playing_ticket, counted_until_ms)"
            " SELECT listener, id, last_signed_ms FROM tickets WHERE number >= ?",
            (last,),
        )
        db.execute("COMMIT")


def _size(path: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(path)) as db:
        began = time.monotonic()
        ((invocations,),) = db.execute("SELECT count(*) FROM invocations").fetchall()
        count_s = time.monotonic() - began
    return {
        "invocations": invocations,
        "playing": PLAYING,
        "database_mb": round(path.stat().st_size / 1e6),
        "sqlite_count_s": round(count_s, 2),
    }
