"""``epoch_build``.

Processor seconds and memory from an epoch's leaves to roots, proofs and published bytes, beside bare hashing.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any, Final

from benchmarks.figure import Figure
from benchmarks.scale import scaled
from pywallet.crypto import keccak256

SIZES: Final = scaled((100_000, 1_000_000), (1_000, 2_000))


def run() -> list[dict[str, Any]]:
    """One process for each size, so that the peak of memory is its own.

    The peer hashes as many leaves and nodes and keeps nothing.
    """
    out = []
    for leaves in SIZES:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.epoch", str(leaves)], capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout)
        detail = {
            key: found[key]
            for key in ("tree_s", "encode_s", "proof_us", "memory_mib", "data_mib", "root_only_s", "root_only_mib")
        }
        figure = Figure(
            f"epoch_build_{leaves}",
            found["seconds"],
            "s",
            "as many bare keccak calls",
            found["bare_s"],
            "lower",
            detail,
        )
        out.append(figure.to_json())
    return out


def _mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _leaves(count: int) -> list[tuple[bytes, int]]:
    return sorted((keccak256(n.to_bytes(8, "big"))[:20], 10**15 + n) for n in range(count))


def measure(count: int) -> dict[str, Any]:
    """Freeze an epoch with so many payees, every hundredth an owner, as a server does."""
    from pywallet.settlement import EpochData, OwnerRow, PayeeRow, SumRoot, SumTree

    leaves = _leaves(count)
    before = _mib()
    start = time.process_time()
    root = SumRoot()
    for payee, amount in leaves:
        root.add(payee, amount)
    end = root.end()
    root_only = time.process_time() - start
    root_mib = _mib() - before
    start = time.process_time()
    tree = SumTree(leaves)
    tree_s = time.process_time() - start
    assert (tree.root, tree.total) == end
    start = time.process_time()
    rows = tuple(PayeeRow(payee, amount) for payee, amount in leaves)
    owners = tuple(OwnerRow(index, leaves[index][1]) for index in range(0, count, 100))
    data = EpochData(bytes(20), 1, tree.root, tree.total, bytes(32), 500, payees=rows, owners=owners).encode()
    keccak256(data)
    encode_s = time.process_time() - start
    start = time.process_time()
    for index in range(0, count, count // 1000):
        tree.proof(index)
    proof_us = (time.process_time() - start) * 1000
    memory = _mib()
    start = time.process_time()
    for _ in range(count):
        keccak256(b"\0" * 96)
    for _ in range(count):
        keccak256(b"\0" * 160)
    bare = time.process_time() - start
    return {
        "seconds": round(tree_s + encode_s, 3),
        "tree_s": round(tree_s, 3),
        "encode_s": round(encode_s, 3),
        "proof_us": round(proof_us, 1),
        "memory_mib": round(memory),
        "data_mib": round(len(data) / (1 << 20), 1),
        "root_only_s": round(root_only, 3),
        "root_only_mib": round(root_mib, 1),
        "bare_s": round(bare, 3),
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
