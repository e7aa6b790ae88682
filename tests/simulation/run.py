"""Run seeds: ``build.py soak simulation --seeds N``.

A failing seed is printed, and ``--seed K`` replays it with all that happened.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.simulation.checks import check
from tests.simulation.virtual import virtual_time
from tests.simulation.world import Plan, World, world

_REAL: Final = time.perf_counter
HASH_SEED: Final = {"PYTHONHASHSEED": "0"}
"""Sets of bytes are walked in hash order: without this a seed would not replay in another process."""


@dataclass(frozen=True)
class Ended:
    """One seed's run.

    Attributes:
        broken: Invariants that do not hold, in words.
        log: What happened, with virtual seconds.
        figures: ``receipts``: payees and epochs that fans hold receipts for; ``challenges``: of an attacker;
            ``restored``: copies of
            a server's database that were put back, ``imported``: epochs taken from an archive then, ``lost``: receipts
            that only fans knew then; ``accepted``: moves that a new server accepted, ``moved``: plays that had to begin
            there.
        codes: Refusals that fans met.
        took_s: Real seconds.
    """

    seed: int
    broken: tuple[str, ...]
    log: tuple[str, ...]
    figures: Counter[str]
    codes: Counter[str]
    took_s: float


class _Log(logging.Handler):
    def __init__(self, made: World) -> None:
        super().__init__(logging.INFO)
        self._made = made

    def emit(self, record: logging.LogRecord) -> None:
        self._made.say(f"{record.name}: {record.getMessage()}")


def run(plan: Plan, see: Callable[[World], None] = lambda _: None) -> Ended:
    """Run one seed.

    Args:
        see: Is handed the world once all is quiet.
    """
    began = _REAL()
    product = logging.getLogger("gomaa")
    with virtual_time(plan.seed) as loop:

        async def whole() -> Ended:
            async with world(plan, loop) as made:
                handler = _Log(made)
                product.addHandler(handler)
                product.propagate = False
                try:
                    await made.traffic()
                    broken = (await check(made)).lines
                    see(made)
                finally:
                    product.removeHandler(handler)
                    product.propagate = True
                codes: Counter[str] = sum((fan.records.codes for fan in made.fans), Counter())
                return Ended(plan.seed, tuple(broken), tuple(made.log), _figures(made), codes, _REAL() - began)

        try:
            return loop.run_until_complete(whole())
        finally:
            loop.run_until_complete(_end(loop))


def _figures(made: World) -> Counter[str]:
    operator = made.operator
    return Counter(
        receipts=sum(len(fan.records.receipts) for fan in made.fans),
        challenges=made.thief.challenged,
        restored=operator.restored,
        imported=operator.imported,
        lost=len(operator.lost),
        accepted=made.mover.accepted,
        moved=sum(fan.records.moved for fan in made.fans),
    )


async def _end(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _run(seed: int) -> Ended:
    return run(Plan(seed))


def run_all(seeds: Iterable[int], workers: int) -> Iterator[Ended]:
    """Run seeds in processes of their own; in order."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(_run, seeds)


def main() -> int:
    """Run the seeds that are asked for; exit code 1 when one breaks an invariant."""
    parser = argparse.ArgumentParser(prog="build.py soak simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, metavar="N", help="how many seeds, from --first on")
    parser.add_argument("--first", type=int, default=1, metavar="K")
    parser.add_argument("--seed", type=int, metavar="K", help="replay one seed and print what happened")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        return subprocess.call(
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]], env={**os.environ, **HASH_SEED}
        )
    if options.seed is not None:
        ended = [run(Plan(options.seed))]
        print(*ended[0].log, sep="\n")
    else:
        ended = []
        for one in run_all(range(options.first, options.first + options.seeds), options.workers):
            ended.append(one)
            if one.broken:
                print(f"seed {one.seed}: {'; '.join(one.broken)}", flush=True)
    failing = [one.seed for one in ended if one.broken]
    if options.seed is not None and failing:
        print(*ended[0].broken, sep="\n")
    figures = {
        "seeds": len(ended),
        "failing": failing,
        **sum((one.figures for one in ended), Counter()),
        "refusals": dict(sum((one.codes for one in ended), Counter())),
        "processor_s": round(sum(one.took_s for one in ended), 1),
    }
    print(json.dumps(figures))
    return int(bool(failing))
