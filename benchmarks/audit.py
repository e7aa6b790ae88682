"""``audit``: plays checked per second, beside one reader that only decodes the same rows one after the other."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.figure import Figure

PLAYS: Final = 2_000_000
SAMPLE: Final = 100_000


def run() -> list[dict[str, Any]]:
    """One epoch with two million plays and a leaf for every eighth, in a process of its own."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.audit"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    detail = {key: found[key] for key in ("plays", "leaves", "file_mib", "memory_mib", "seconds")}
    ours, peer = found["plays_per_s"], found["decoded_per_s"]
    return [Figure("audit", ours, "plays/s", "decoding rows only", peer, "higher", detail).to_json()]


def _data() -> tuple[Any, bytes]:
    """An honest epoch; its plays are made as an array, its leaves as the plays say."""
    from audit.tables import PLAY
    from pywallet.settlement import PayeeRow
    from tests.unit.audit.audit_book import OWNERS, STATIONS, TERMS, honest, seal

    numbers = np.arange(PLAYS)
    plays = np.zeros(PLAYS, dtype=PLAY)
    plays["station"], plays["content"], plays["terms"] = numbers % 2, numbers % 3, numbers % 2
    length = np.where(plays["terms"] == 0, TERMS[0].interval_s, TERMS[1].interval_s)
    plays["heard"], plays["ticket"] = length * (1 + numbers % 40), numbers + 1
    intervals = 1 + numbers % 40
    nets, leaves = dict.fromkeys(STATIONS, 0), dict.fromkeys(OWNERS, 0)
    for station in range(2):
        for content in range(3):
            for terms in range(2):
                mine = (plays["station"] == station) & (plays["content"] == content) & (plays["terms"] == terms)
                heard = int(intervals[mine].sum())
                nets[STATIONS[station]] += heard * (TERMS[terms].price + TERMS[terms].reward)
                leaves[OWNERS[content]] += heard * TERMS[terms].price
    rewards = int(intervals[plays["terms"] == 0].sum()) * TERMS[0].reward
    fans = PLAYS // 8
    share, rest = divmod(rewards, fans)
    from dataclasses import replace

    from pywallet.settlement import DebitRow

    rows = [PayeeRow(n.to_bytes(20, "big"), share + (rest if n == 1 else 0)) for n in range(1, fans + 1)]
    rows += [PayeeRow(owner, amount) for owner, amount in sorted(leaves.items())]
    base = honest(0)
    debits = tuple(DebitRow(payer, net) for payer, net in nets.items())
    data = seal(replace(base, payees=tuple(rows), debits=debits))
    raw = data.encode()
    # The tables after the payees: plays, usages, segments.
    tail = len(data.usages) * 32 + 4 + len(data.segments) * 8 + 4
    return data, raw[: -tail - 4] + PLAYS.to_bytes(4, "big") + plays.tobytes() + raw[-tail:]


def measure() -> dict[str, Any]:
    """Audit one epoch as ``gomaa audit`` does, without a network."""
    from dataclasses import replace

    from audit.epochs import EpochCheck
    from audit.tables import EpochFile
    from pywallet.platform import keccak256
    from pywallet.settlement import PayeeRow, PlayRow
    from tests.unit.audit.audit_book import FakeAt, post

    data, raw = _data()
    with tempfile.TemporaryDirectory(prefix="gomaa-bench-", dir=Path.cwd()) as folder:
        path = Path(folder) / "epoch.gmed"
        path.write_bytes(raw)
        posted = replace(post(data), data=keccak256(raw))
        del raw
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        check = EpochCheck(posted, FakeAt())  # type: ignore[arg-type]
        with EpochFile(path) as file:
            asyncio.run(check.check(file))
            seconds = time.perf_counter() - start
            leaves = file.count(PayeeRow)
            start = time.perf_counter()
            for number, _ in enumerate(file.rows(PlayRow)):
                if number == SAMPLE:
                    break
            decoded = time.perf_counter() - start
        size = path.stat().st_size
    assert check.faults == [], check.faults[:3]
    return {
        "plays": PLAYS,
        "leaves": leaves,
        "seconds": round(seconds, 2),
        "plays_per_s": round(PLAYS / seconds),
        "decoded_per_s": round(SAMPLE / decoded),
        "file_mib": round(size / (1 << 20), 1),
        "memory_mib": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, 1),
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
