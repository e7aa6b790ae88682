"""``audit_memory``: highest resident size of an audit of many plays, beside the same audit of a third of them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from benchmarks.disk import disk_folder
from benchmarks.figure import Figure
from benchmarks.scale import setting

MANY: Final = setting("GOMAA_BENCH_AUDIT_PLAYS", 30_000_000, 6_000)
FEW: Final = MANY // 3
STATIONS: Final = 20
CONTENTS: Final = 1_000
LISTENER_EVERY: Final = 8
"""Plays to one leaf of a listener."""
RATE: Final = 500
LENGTH_S: Final = 86_400
SERVER: Final = b"\x11" * 20
INTERVALS: Final = (10, 5)
PRICES: Final = (11, 700)
REWARDS: Final = (0, 300)
PART: Final = 1 << 18


def run() -> list[dict[str, Any]]:
    """The figure: each size in a process of its own."""
    few, many = (_measured(plays) for plays in (FEW, MANY))
    detail = {"few": few, "many": many}
    peer = f"the same, {FEW} plays"
    value, peer_value = many["peak_mib"], few["peak_mib"]
    return [Figure("audit_memory", value, "MiB peak", peer, peer_value, "lower", detail).to_json()]


def _measured(plays: int) -> dict[str, Any]:
    with disk_folder() as folder:
        command = [sys.executable, "-m", "benchmarks.audit_memory", str(folder), str(plays)]
        subprocess.run([*command, "make"], check=True)
        done = subprocess.run([*command, "check"], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _address(kind: int, number: int) -> bytes:
    return bytes([kind]) + number.to_bytes(19, "big")


def _parts(plays: int) -> Iterator[np.ndarray[Any, Any]]:
    """Plays in the order of a writer, each with a ticket of its own."""
    from audit.tables import PLAY

    for station in range(STATIONS):
        count = plays * (station + 1) // STATIONS - plays * station // STATIONS
        for first in range(0, count, PART):
            ticket = np.arange(first, min(first + PART, count))
            part = np.zeros(len(ticket), dtype=PLAY)
            part["station"], part["ticket"] = station, ticket + 1
            part["content"] = (ticket * 7 + station) % CONTENTS
            part["terms"] = part["content"] % 2
            part["heard"] = np.array(INTERVALS)[part["terms"]] * (1 + ticket % 40)
            part["seeks"] = ticket % 3
            yield part


def _write(file: BinaryIO, plays: int) -> None:
    """Write an honest epoch, part by part."""
    from pywallet.settlement import (
        ContentRow,
        CountsRoot,
        DebitRow,
        OwnerRow,
        PayeeRow,
        StationRow,
        SumRoot,
        TermsRow,
        content_leaf,
    )
    from pywallet.settlement.published_data import HEAD, MAGIC, VERSION
    from pywallet.settlement.published_rows import Row

    heard, seconds, seeks, count = (np.zeros((STATIONS, CONTENTS), dtype=np.int64) for _ in range(4))
    for part in _parts(plays):
        where, size = part["content"].astype(np.int64), CONTENTS
        own = int(part["station"][0])
        each = part["heard"] // np.array(INTERVALS)[part["terms"]]
        heard[own] += np.bincount(where, each, size).astype(np.int64)
        seconds[own] += np.bincount(where, part["heard"], size).astype(np.int64)
        seeks[own] += np.bincount(where, part["seeks"], size).astype(np.int64)
        count[own] += np.bincount(where, minlength=size)
    price, reward = (np.array(values)[np.arange(CONTENTS) % 2] for values in (PRICES, REWARDS))
    nets = [int((heard[station] * (price + reward)).sum()) for station in range(STATIONS)]
    owned = [(n, int(amount)) for n, amount in enumerate(heard.sum(axis=0) * price) if amount]
    rewards, fans = int((heard.sum(axis=0) * reward).sum()), plays // LISTENER_EVERY
    share, rest = divmod(rewards, fans)

    def leaves() -> Iterator[PayeeRow]:
        for number in range(fans):
            yield PayeeRow(_address(1, number), share + (rest if number == 0 else 0))
        for number, amount in owned:
            yield PayeeRow(_address(2, number), amount)

    contents = [
        ContentRow(
            _address(3, n),
            _address(2, n),
            SERVER,
            int(count[:, n].sum()),
            0,
            int(seeks[:, n].sum()),
            int(seconds[:, n].sum()),
        )
        for n in range(CONTENTS)
    ]
    tree, counts = SumRoot(), CountsRoot()
    for leaf in leaves():
        tree.add(leaf.payee, leaf.amount)
    for row in contents:
        counts.add(content_leaf(row.content, row.plays, row.unvalidated, row.seeks, row.seconds))
    root, total = tree.end()
    file.write(HEAD.pack(MAGIC, VERSION, SERVER, 1, root, total.to_bytes(16, "big"), counts.end(), RATE))

    def table(length: int, rows: Iterator[Row]) -> None:
        file.write(length.to_bytes(4, "big"))
        file.writelines(row.encode() for row in rows)

    table(STATIONS, (StationRow(_address(4, n)) for n in range(STATIONS)))
    table(CONTENTS, iter(contents))
    table(2, (TermsRow(*row) for row in zip(PRICES, REWARDS, INTERVALS, strict=True)))
    table(STATIONS, (DebitRow(_address(4, n), net) for n, net in enumerate(nets)))
    table(fans + len(owned), leaves())
    table(len(owned), (OwnerRow(fans + row, amount) for row, (_, amount) in enumerate(owned)))
    file.write(plays.to_bytes(4, "big"))
    file.writelines(part.tobytes() for part in _parts(plays))
    table(0, iter(()))
    table(0, iter(()))


class _Registry:
    """Contracts that know every address."""

    async def registry(self, name: str, *_: object) -> Any:
        """Answers of ``is_content`` and ``station``."""
        return True if name == "is_content" else ("radio.example", "", True)

    async def owner_at(self, content: bytes, _: int) -> bytes:
        """The owner of a content."""
        return _address(2, int.from_bytes(content[1:], "big"))

    async def served(self, *_: object) -> bool:
        """Every server has every content."""
        return True


def _check(folder: Path, plays: int) -> dict[str, Any]:
    """Audit the epoch as ``gomaa audit`` does, without a network."""
    from audit.epochs import EpochCheck
    from audit.file_check import FileTask, Post, check_file
    from audit.tables import EpochFile
    from audit.ticket_table import TicketTable
    from pywallet.settlement import DebitRow, entries_digest

    path = folder / "epoch.gmed"
    with EpochFile(path) as file:
        head, entries = file.head, tuple((row.payer, row.net) for row in file.rows(DebitRow))
        fee = sum(net * RATE // 10_000 for _, net in entries)
        digests = (entries_digest(entries), head.counts_root, file.hash)
    posted = Post(SERVER, head.epoch, head.root, head.total, fee, *digests, entries)
    start = time.perf_counter()
    result = check_file(FileTask(path, posted, RATE, LENGTH_S, {}, {}, folder))
    totals = result.totals
    assert totals is not None
    assert (result.faults, totals.money.plays) == ([], plays)
    check = EpochCheck(posted, _Registry())  # type: ignore[arg-type]
    asyncio.run(check.check_names(totals))
    checked = time.perf_counter()
    tickets = TicketTable(folder)
    with EpochFile(path) as totals.file:
        tickets.add(totals)
    assert (check.faults, list(tickets.differing())) == ([], [])
    tickets.close()
    done = time.perf_counter()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "plays": plays,
        "leaves": result.leaves,
        "peak_mib": round(int(status["VmHWM"].split()[0]) / 1024),
        "file_mib": round(path.stat().st_size / (1 << 20)),
        "tickets_mib": round((folder / "tickets.duckdb").stat().st_size / (1 << 20)),
        "check_s": round(checked - start, 1),
        "tickets_s": round(done - checked, 1),
    }


if __name__ == "__main__":
    place, size = Path(sys.argv[1]), int(sys.argv[2])
    if sys.argv[3] == "make":
        with (place / "epoch.gmed").open("wb") as made:
            _write(made, size)
    else:
        print(json.dumps(_check(place, size)))
