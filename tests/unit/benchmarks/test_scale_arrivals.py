"""The simulation of waiting against queueing theory."""

from __future__ import annotations

import math
import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scale_model.arrivals import SECOND_NS, Kind, Times, Waits, arrivals, draws, services, waits
from tests.budget import budget

COUNT = 200_000
SERVICE_NS = 1_000_000
BUSY = st.integers(10, 80)
"""Percent of the time in which the server works."""
SEEDS = st.integers(0, 10**6)


def poisson(seed: int, busy: int) -> Times:
    """Arrivals that keep a server with ``SERVICE_NS`` so busy."""
    return arrivals(seed, COUNT, (1,), COUNT * SERVICE_NS * 100 // busy)


@given(SEEDS, BUSY)
@budget(0.4)
def test_waits_for_constant_service_are_those_of_theory(seed: int, busy: int) -> None:
    """M/D/1: the mean wait is rho s / 2 (1 - rho), and 1 - rho of the requests do not wait."""
    waited = waits(poisson(seed, busy), np.full(COUNT, SERVICE_NS, dtype=np.int64))
    rho = busy / 100
    assert math.isclose(Waits.of(waited).mean_ns, rho * SERVICE_NS / (2 * (1 - rho)), rel_tol=0.12)
    assert math.isclose(float((waited == 0).mean()), 1 - rho, abs_tol=0.02)


@given(SEEDS, st.integers(10, 70))
@budget(0.2)
def test_waits_for_exponential_service_are_those_of_theory(seed: int, busy: int) -> None:
    """M/M/1: the mean wait is rho s / (1 - rho), and longer than that plus s wait rho / e of the requests."""
    chance = random.Random(seed)
    service = np.asarray([int(chance.expovariate(1 / SERVICE_NS)) for _ in range(COUNT)], dtype=np.int64)
    waited = waits(poisson(seed, busy), service)
    rho = busy / 100
    assert math.isclose(Waits.of(waited).mean_ns, rho * SERVICE_NS / (1 - rho), rel_tol=0.15)
    assert math.isclose(float((waited > SERVICE_NS / (1 - rho)).mean()), rho / math.e, abs_tol=0.04)


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 50)), min_size=1, max_size=30),
)
def test_waits_are_those_of_a_server_that_takes_one_after_the_other(requests: list[tuple[int, int]]) -> None:
    """The closed form gives what a loop over the requests gives."""
    times = sorted(time for time, _ in requests)
    service = [length for _, length in requests]
    free, expected = 0, []
    for time, length in zip(times, service, strict=True):
        begin = max(free, time)
        expected.append(begin - time)
        free = begin + length
    assert waits(np.asarray(times), np.asarray(service)).tolist() == expected


def test_the_simulation_gives_the_same_numbers_everywhere() -> None:
    """Another stream of random numbers would change docs/scale.md from machine to machine."""
    assert draws(1, 5, 1_000).tolist() == [63, 43, 942, 889, 844]
    assert arrivals(1, 4, (1, 0, 3), 100).tolist() == [40, 219, 230, 242]
    assert services(3, 4, (Kind(1, 10), Kind(2, 20))).tolist() == [20, 20, 10, 10]


def test_arrivals_follow_the_curve() -> None:
    """A slot gets its part of the arrivals, one of weight zero none."""
    slots = arrivals(5, 100_000, (1, 0, 3), SECOND_NS) // SECOND_NS
    counts = np.bincount(slots, minlength=3)
    assert counts[1] == 0
    assert math.isclose(counts[0] / 100_000, 0.25, abs_tol=0.01)
    assert math.isclose(counts[2] / 100_000, 0.75, abs_tol=0.01)


def test_percentiles_and_mean_of_long_waits() -> None:
    """The sum of a crowd's waits exceeds 64 bits, and the mean is exact all the same."""
    found = Waits.of(np.full(200_000, 10**14, dtype=np.int64))
    assert found == Waits(10**14, 10**14, 10**14)
    assert Waits.of(np.arange(100, dtype=np.int64)) == Waits(50, 99, 49)
