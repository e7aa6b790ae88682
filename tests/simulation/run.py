"""Run seeds: ``python -m tests.simulation --seeds N``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter

from tests.simulation.virtual import virtual_time
from tests.simulation.world import Plan, World, world

REAL = time.perf_counter


def run(plan: Plan) -> tuple[list[str], World]:
    """Run one seed; the invariants that broke, and the world as it ended."""
    with virtual_time(plan.seed) as loop:

        async def whole() -> tuple[list[str], World]:
            async with world(plan, loop) as made:
                await made.traffic()
                return (await made.check()).lines, made

        return loop.run_until_complete(whole())


def main() -> int:
    """Run the seeds that are asked for; exit code 1 when one breaks an invariant."""
    parser = argparse.ArgumentParser(prog="build.py soak simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds, from --first on")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int, help="replay one seed and print what happened")
    options = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of bytes are walked in hash order: without this a seed would not replay.
        return subprocess.call([sys.executable, "-m", "tests.simulation", *sys.argv[1:]], env={**os.environ, "PYTHONHASHSEED": "0"})
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    failed: dict[int, list[str]] = {}
    for seed in seeds:
        began = REAL()
        broken, made = run(Plan(seed))
        if options.seed is not None:
            print(*made.log, sep="\n")
            print(json.dumps({fan.name: dict(fan.books.codes) for fan in made.fans}, indent=1))
        codes: Counter[str] = sum((fan.books.codes for fan in made.fans), Counter())
        receipts = sum(len(fan.books.receipts) for fan in made.fans)
        print(f"seed {seed}: {'; '.join(broken) or 'holds'} ({receipts} receipts, {REAL() - began:.1f} s) {dict(codes)}", flush=True)
        if broken:
            failed[seed] = broken
    print(json.dumps({"seeds": len(seeds), "failing": sorted(failed)}))
    return int(bool(failed))
