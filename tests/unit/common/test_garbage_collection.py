"""Settings of the cyclic garbage collector, in an interpreter of their own."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
from common.garbage_collection import OLDEST, MIDDLE, YOUNGEST, spare_pauses

class Cycle:
    def __init__(self):
        self.own = self

spare_pauses()
assert gc.get_freeze_count() > 1_000
runs = sum(one["collections"] for one in gc.get_stats())
living = [Cycle() for _ in range(YOUNGEST // 4)]
assert sum(one["collections"] for one in gc.get_stats()) == runs
collected = sum(one["collected"] for one in gc.get_stats())
for _ in range(2 * YOUNGEST * MIDDLE * OLDEST):
    Cycle()
freed = sum(one["collected"] for one in gc.get_stats()) - collected
print(freed > YOUNGEST * MIDDLE * OLDEST)
"""


def test_cycles_are_freed_and_young_objects_are_left_alone() -> None:
    """A collector that is turned off would keep every closed connection; one with the defaults examines all objects."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    assert done.stdout == "True\n"
