"""Discrete simulation of requests that wait at a server: seeded, in whole nanoseconds, the same on every machine.

A server answers one request after the other, in the order of their arrival. Arrivals are independent: within a slot of
the curve their times are drawn evenly, which is a Poisson process with a given number of arrivals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]

SECOND_NS: Final = 1_000_000_000
_SHIFT: Final = np.uint64(1)
_HALF: Final = 32


@dataclass(frozen=True)
class Kind:
    """A kind of request.

    Attributes:
        weight: How often it comes, relative to the others.
        service_ns: Time that a server needs for it.
    """

    weight: int
    service_ns: int


@dataclass(frozen=True)
class Waits:
    """Waiting times of requests until the server begins with them, nanoseconds.

    Attributes:
        p50_ns: Median.
        p99_ns: 99th percentile.
        mean_ns: Mean.
    """

    p50_ns: int
    p99_ns: int
    mean_ns: int

    @classmethod
    def of(cls, waits: Times) -> Waits:
        """The figures of some waiting times."""
        ordered, count = np.sort(waits), len(waits)
        at = [int(ordered[min(count - 1, count * percent // 100)]) for percent in (50, 99)]
        # In two parts: the sum of long waits exceeds 64 bits.
        total = (int((ordered >> _HALF).sum()) << _HALF) + int((ordered & ((1 << _HALF) - 1)).sum())
        return cls(at[0], at[1], total // count)


def draws(seed: int, count: int, below: int) -> Times:
    """Whole numbers from 0 to ``below - 1``, each as probable as any other.

    The stream of a bit generator is fixed by NumPy; that of its distributions is not.
    """
    raw = np.random.PCG64(seed).random_raw(count)
    return np.asarray((raw >> _SHIFT) % np.uint64(below), dtype=np.int64)


def arrivals(seed: int, count: int, weights: Sequence[int], slot_ns: int) -> Times:
    """Sorted times of arrivals on a curve.

    Args:
        seed: Of the random numbers.
        count: Number of arrivals.
        weights: Rate in each slot, relative to the others.
        slot_ns: Length of a slot.
    """
    ends = np.cumsum(np.asarray(weights, dtype=np.int64))
    slots = np.searchsorted(ends, draws(2 * seed, count, int(ends[-1])), side="right")
    return np.sort(slots.astype(np.int64) * slot_ns + draws(2 * seed + 1, count, slot_ns))


def services(seed: int, count: int, kinds: Sequence[Kind]) -> Times:
    """Service times of so many requests of mixed kinds, nanoseconds."""
    ends = np.cumsum(np.asarray([kind.weight for kind in kinds], dtype=np.int64))
    chosen = np.searchsorted(ends, draws(seed, count, int(ends[-1])), side="right")
    return np.asarray([kind.service_ns for kind in kinds], dtype=np.int64)[chosen]


def waits(times: Times, service: Times) -> Times:
    """Time that each request waits at one server, nanoseconds.

    Args:
        times: Sorted arrivals.
        service: Service time of each.
    """
    # A request begins when it is there and all before it are done: the greatest arrival so far, less the work that
    # came before that arrival, plus all work before this one.
    before = np.cumsum(service) - service
    begins = np.maximum.accumulate(times - before) + before
    return np.asarray(begins - times, dtype=np.int64)
