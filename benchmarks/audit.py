"""``audit``: plays checked per second, beside one reader that only decodes the same rows one after the other."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.disk import disk_folder
from benchmarks.figure import Figure
from benchmarks.scale import scaled

PLAYS: Final = scaled(2_000_000, 2_000)
SAMPLE: Final = scaled(100_000, 1_000)


def run() -> list[dict[str, Any]]:
    """One epoch with two million plays and a leaf for every eighth, in a process of its own."""
    with disk_folder() as folder:
        path = str(folder / "epoch.gmed")
        # Made by another process: the peak of memory is the auditor's.
        subprocess.run([sys.executable, "-m", "benchmarks.audit", "make", path], check=True)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.audit", "check", path], capture_output=True, text=True, check=True
        )
    found = json.loads(done.stdout)
    detail = {key: found[key] for key in ("plays", "leaves", "file_mib", "memory_mib", "seconds")}
    ours, peer = found["plays_per_s"], found["decoded_per_s"]
    return [Figure("audit", ours, "plays/s", "decoding rows only", peer, "higher", detail).to_json()]


def _data() -> bytes:
    """An honest epoch; its plays are made as an array, its leaves as the plays say."""
    from dataclasses import replace

    from audit.tables import PLAY
    from pywallet.settlement import DebitRow, OwnerRow, PayeeRow
    from tests.unit.audit.audit_book import OWNERS, STATIONS, TERMS, honest, seal

    numbers = np.arange(PLAYS)
    plays = np.zeros(PLAYS, dtype=PLAY)
    plays["station"], plays["content"], plays["terms"] = numbers % 2, numbers % 3, numbers % 2
    length = np.where(plays["terms"] == 0, TERMS[0].interval_s, TERMS[1].interval_s)
    plays["heard"], plays["ticket"] = length * (1 + numbers % 40), numbers + 1
    plays = plays[np.lexsort((plays["ticket"], plays["station"]))]
    intervals = 1 + (plays["ticket"].astype(np.int64) - 1) % 40
    nets, leaves = dict.fromkeys(STATIONS, 0), dict.fromkeys(OWNERS, 0)
    for station in range(2):
        for content in range(3):
            for terms in range(2):
                mine = (plays["station"] == station) & (plays["content"] == content) & (plays["terms"] == terms)
                heard = int(intervals[mine].sum())
                nets[STATIONS[station]] += heard * (TERMS[terms].price + TERMS[terms].reward)
                leaves[OWNERS[content]] += heard * TERMS[terms].price
    rewards = sum(int(intervals[plays["terms"] == terms].sum()) * TERMS[terms].reward for terms in range(2))
    fans = PLAYS // 8
    share, rest = divmod(rewards, fans)
    rows = [PayeeRow(n.to_bytes(20, "big"), share + (rest if n == 1 else 0)) for n in range(1, fans + 1)]
    rows += [PayeeRow(owner, amount) for owner, amount in sorted(leaves.items())]
    base = honest(0)
    debits = tuple(DebitRow(payer, net) for payer, net in nets.items())
    owners = tuple(OwnerRow(fans + index, amount) for index, (_, amount) in enumerate(sorted(leaves.items())) if amount)
    data = seal(replace(base, payees=tuple(rows), owners=owners, debits=debits))
    raw = data.encode()
    # The tables after the owners: plays, usages, segments.
    tail = len(data.usages) * 32 + 4 + len(data.segments) * 10 + 4
    return raw[: -tail - 4] + PLAYS.to_bytes(4, "big") + plays.tobytes() + raw[-tail:]


def measure(path: Path) -> dict[str, Any]:
    """Audit one epoch's file as ``gomaa audit`` does, without a network."""
    from audit.epochs import EpochCheck
    from audit.file_check import Post
    from audit.tables import EpochFile
    from pywallet.settlement import DebitRow, PayeeRow, PlayRow, entries_digest
    from tests.unit.audit.audit_book import BPS, FakeAt

    with EpochFile(path) as file:
        head, entries = file.head, tuple((row.payer, row.net) for row in file.rows(DebitRow))
        fee = sum(net * BPS // 10_000 for _, net in entries)
        roots = (head.root, head.total, fee, entries_digest(entries), head.counts_root, file.hash)
        posted = Post(head.server, head.epoch, *roots, entries)
        start = time.process_time()
        check = EpochCheck(posted, FakeAt())  # type: ignore[arg-type]
        asyncio.run(check.check(file))
        seconds = time.process_time() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        leaves = file.count(PayeeRow)
        start = time.process_time()
        for number, _ in enumerate(file.rows(PlayRow)):
            if number == SAMPLE:
                break
        decoded = time.process_time() - start
    assert check.faults == [], check.faults[:3]
    return {
        "plays": PLAYS,
        "leaves": leaves,
        "seconds": round(seconds, 2),
        "plays_per_s": round(PLAYS / seconds),
        "decoded_per_s": round(SAMPLE / decoded),
        "file_mib": round(path.stat().st_size / (1 << 20), 1),
        "memory_mib": round(memory),
    }


if __name__ == "__main__":
    if sys.argv[1] == "make":
        Path(sys.argv[2]).write_bytes(_data())
    else:
        print(json.dumps(measure(Path(sys.argv[2]))))
