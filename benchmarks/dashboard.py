"""``dashboard_page``: the operator's first page of a station with a year of plays, beside one without any.

A million plays a day of 200 songs, an epoch an hour, listeners every five minutes, written by SQL. The chain answers
at once; the page over HTTP, signed in.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from aiohttp.test_utils import TestClient, TestServer

from benchmarks.figure import Figure, median
from benchmarks.scale import scaled
from pywallet.encoding.hex import to_hex
from station.api.app import STATION, create_app
from station.config import StationConfig
from station.dashboard.sign_in import COOKIE
from station.db.posted import ALL
from station.db.tables import AUDIENCE, DAY_PLAYS, POSTED_EPOCHS
from tests.integration.farm_world import Clock, StationChain

DAY_S: Final = 86_400
NOW_S: Final = 1_800_000_000
SERVER: Final = b"\x11" * 20
DAYS: Final = scaled(365, 10)
SONGS: Final = 200
PLAYS_A_DAY: Final = 1_000_000
ROUNDS: Final = scaled(20, 2)
RANGES: Final = (28, 365)


def run() -> list[dict[str, Any]]:
    """One figure: the page of a year; ``detail`` has the other range."""
    with tempfile.TemporaryDirectory() as folder:
        full, empty = asyncio.run(_measured(Path(folder)))
    year = RANGES[-1]
    detail = {
        "days": DAYS,
        "songs": SONGS,
        "plays_a_day": PLAYS_A_DAY,
        "rounds": ROUNDS,
        **{f"days_{days}_ms": [median(full[days]), median(empty[days])] for days in RANGES},
    }
    peer = "the same without plays"
    return [Figure("dashboard_page", median(full[year]), "ms", peer, median(empty[year]), "lower", detail).to_json()]


async def _measured(folder: Path) -> tuple[dict[int, list[float]], dict[int, list[float]]]:
    times: list[dict[int, list[float]]] = []
    clock = Clock()
    clock.ms = NOW_S * 1000
    for name, filled in (("full", True), ("empty", False)):
        home = folder / name
        (home / "songs").mkdir(parents=True)
        (home / "station.key").write_text(to_hex(bytes(31) + b"\1") + "\n")
        (home / "admin.token").write_text("operator\n")
        config = StationConfig(
            domain="127.0.0.1:8080",
            name="Benchmark",
            key_file=home / "station.key",
            deployment_file=home / "deployment.json",
            catalogue=home / "songs",
            database=str(home / "station.sqlite3"),
            admin_token_file=home / "admin.token",
            statement_seconds=3600,
        )
        app = create_app(config, StationChain(clock, {}))
        async with TestClient(TestServer(app)) as client:
            if filled:
                _fill(app[STATION].store.engine)
            times.append(await _times(client))
    return times[0], times[1]


async def _times(client: TestClient[Any, Any]) -> dict[int, list[float]]:
    async with client.post("/studio/sign-in", data={"token": "operator"}, allow_redirects=False) as response:
        cookies = {COOKIE: response.cookies[COOKIE].value}
    times: dict[int, list[float]] = {days: [] for days in RANGES}
    for number in range(ROUNDS + 1):
        for days in RANGES:
            begin = time.perf_counter()
            async with client.get(f"/studio/?days={days}", cookies=cookies) as response:
                await response.read()
                assert response.status == 200
            if number:
                times[days].append((time.perf_counter() - begin) * 1000)
    return times


def _fill(engine: sa.Engine) -> None:
    """A year of plays, epochs and listeners."""
    first = NOW_S // DAY_S - DAYS + 1
    contents = [number.to_bytes(20, "big") for number in range(1, SONGS + 1)]
    plays = PLAYS_A_DAY // SONGS
    sums = {"refused": 3, "seeks": 9, "owner_rest_wei": 5, "reward_rest_wei": 7}
    one = {"plays": plays, "heard_s": 180 * plays, "owner_gwei": 10**10, "reward_gwei": 10**9}
    all_ = {name: SONGS * value for name, value in one.items()}
    days = range(first, first + DAYS)
    rows = [
        {"unix_day": day, "content": content, **sums, **(all_ if content == ALL else one)}
        for day in days
        for content in (ALL, *contents)
    ]
    epochs = [
        {
            "server": SERVER,
            "epoch": first * 24 + hour,
            "starts_s": first * DAY_S + hour * 3600,
            "state": "final",
            "net_wei": str(10**20),
            "gross_gwei": 10**11,
            "gross_rest_wei": 5,
            "commission_bps": 500,
            "data_hash": bytes(32),
        }
        for hour in range(DAYS * 24)
    ]
    slots = range(first * DAY_S, first * DAY_S + DAYS * DAY_S, 300)
    audience = [{"slot_s": slot, "extension_peak": slot % 499, "plain_peak": slot % 307} for slot in slots]
    with engine.begin() as db:
        db.execute(sa.insert(DAY_PLAYS), rows)
        db.execute(sa.insert(POSTED_EPOCHS), epochs)
        db.execute(sa.insert(AUDIENCE), audience)
