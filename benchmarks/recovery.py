"""``recovery_scan``: seconds to find a year of rewards at 20 stations from words and published data.

The core derives every hour of the year at every station, as in the browser (Pyodide under node, the host's whole days);
the host reads an epoch for each hour, hashes it and matches it. Network and disk of a server are left out: the data
come from memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.figure import Figure
from benchmarks.scale import scaled
from native_host.ledger import Ledger, PayeeRow, ReceiptRow
from native_host.ledger.receipt_store import UNSIGNED
from native_host.ledger.scan_store import Post, ScanKey
from native_host.payments.published_data import Reader
from pywallet.rewards.recovery import HOURS
from pywallet.settlement import EpochData, StationRow
from pywallet.settlement import PayeeRow as Leaf

ROOT: Final = Path(__file__).resolve().parents[1]
STATIONS: Final = 20
DAYS: Final = scaled(73, 2)
TIMES: Final = 365 / DAYS
"""A part of the year is measured; every day of it takes as long."""
ALONE: Final = scaled(200, 2)
"""Payees that the peer derives; its time is for as many as the figure has."""
OTHERS: Final = scaled(200, 3)
"""Leaves of other listeners in each epoch."""
SPAN: Final = 99
"""Days that an epoch can be about."""
FIRST: Final = 20_000 * HOURS


def run() -> list[dict[str, Any]]:
    """Measure; one figure."""
    subprocess.run((sys.executable, ROOT / "tests" / "pyodide" / "run.py", "--wheels"), check=True)
    command = ["node", str(ROOT / "benchmarks" / "recovery.mjs"), *map(str, (STATIONS, DAYS, ALONE))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    there = json.loads(done.stdout.strip().splitlines()[-1])
    host_s = _match()
    detail = {
        "what": f"{STATIONS} stations, {DAYS} days, an epoch of {OTHERS + STATIONS} leaves an hour",
        "payees": STATIONS * DAYS * HOURS,
        "derived_s": round(there["batch_s"], 1),
        "host_s": round(host_s, 1),
        "times": TIMES,
    }
    ours = round((there["batch_s"] + host_s) * TIMES, 1)
    peer = "the same payees by a plain loop of the same library, in Pyodide"
    return [Figure("recovery_scan", ours, "s", peer, round(there["loop_s"] * TIMES, 1), "lower", detail).to_json()]


def _payee(station: int, number: int) -> bytes:
    return bytes([station + 1]) * 4 + number.to_bytes(16, "big")


def _epoch(number: int) -> EpochData:
    mine = [(_payee(station, number), 10**15) for station in range(STATIONS)]
    others = [(number.to_bytes(8, "big") + other.to_bytes(12, "big"), 10**15) for other in range(OTHERS)]
    leaves = tuple(Leaf(*leaf) for leaf in sorted([*mine, *others]))
    stations = tuple(StationRow(bytes([station + 1]) * 20) for station in range(STATIONS))
    return EpochData(bytes(20), number, bytes(32), 0, bytes(32), 0, stations=stations, payees=leaves)


def _match() -> float:
    """Seconds of the host: read, hash, match and write down an hour after the other."""
    place = ScanKey(b"w" * 20, 1, bytes(20))
    spent = 0.0
    days: list[tuple[int, int, bytes]] = []
    with tempfile.TemporaryDirectory(prefix="gomaa-bench-") as name, Ledger(Path(name) / "ledger.sqlite") as ledger:
        for day in range(DAYS):
            hours = range(FIRST + day * HOURS, FIRST + (day + 1) * HOURS)
            raws = [(data.epoch, data.encode(), data.hash) for data in map(_epoch, hours)]
            given = {
                station: b"".join(_payee(station, FIRST + day * HOURS + hour) for hour in range(HOURS))
                for station in range(STATIONS)
            }
            begun = time.perf_counter()
            with ledger.write():
                ledger.add_posts(place, day, (Post(number, bytes(20), named) for number, _, named in raws))
                for station, payees in given.items():
                    ledger.add_candidates(place.wallet, day, bytes([station + 1]) * 20, payees)
                    days.append((station, FIRST + day * HOURS, payees))
                del days[: -STATIONS * SPAN]
                read = []
                for number, raw, named in raws:
                    reader = Reader()
                    reader.feed(raw)
                    read.append((number, named, list(reader.end(bytes(20), number, named).payees())))
                paid = {payee for _, _, rows in read for payee, _ in rows}
                mine = {
                    payee: (station, first + hour)
                    for station, first, payees in days
                    for hour in range(HOURS)
                    if (payee := payees[hour * 20 : hour * 20 + 20]) in paid
                }
                for number, named, rows in read:
                    for payee, amount in rows:
                        if payee in mine:
                            station, hour = mine[payee]
                            ledger.add_payees(
                                [PayeeRow(place.wallet, payee, 1, bytes(20), bytes([station + 1]) * 20, hour)]
                            )
                            ledger.add_leaf(
                                ReceiptRow(bytes(20), number, payee, 1, bytes(20), amount, UNSIGNED, UNSIGNED, b"", "")
                            )
                    ledger.remove_post(place, Post(number, bytes(20), named))
            spent += time.perf_counter() - begun
        assert len(ledger.payees_of(place.wallet, 1)) == STATIONS * DAYS * HOURS
        assert not ledger.remaining_posts(place)
    return spent
