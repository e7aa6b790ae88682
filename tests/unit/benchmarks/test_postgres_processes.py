"""Arithmetic of the figure of several server processes on one PostgreSQL."""

from __future__ import annotations

import os

import pytest

from benchmarks.postgres_processes import Costs, capacity, differences
from benchmarks.process_usage import cpu_s, reaped_s


@pytest.mark.parametrize(
    ("one_us", "many_us", "expected"),
    [([3_000.0], [3_000.0], 3.0), ([3_000.0], [9_000.0], 1.0), ([1_000.0, 2_000.0, 9_000.0], [3_000.0], 2.0)],
)
def test_capacity_falls_with_the_time_for_a_request(one_us: list[float], many_us: list[float], expected: float) -> None:
    """Three processes with the cost of one serve three times as much, with its threefold cost as much."""
    assert capacity(one_us, many_us) == expected


def test_a_lost_and_a_doubled_request_are_found() -> None:
    """A run that loses or doubles a request would pass as fast."""
    expected = {"invocations": 4, "tickets": 2, "intervals": 3}
    assert differences(expected, expected) == []
    assert differences({"invocations": 3, "tickets": 2, "intervals": 4}, expected) == [
        "invocations: 3, not 4",
        "intervals: 4, not 3",
    ]


def test_costs_of_conflicts_are_shared_by_all_requests() -> None:
    """The detail has microseconds for a request, of every round together."""
    costs = Costs([10.0, 30.0, 20.0], [1.0, 2.0, 3.0], requests=100, conflicts=7, conflict_s=0.001, resent=1)
    assert costs.detail() == {
        "us": 20,
        "postgres_us": 2,
        "requests": 100,
        "conflicts": 7,
        "conflict_us": 10,
        "resent": 1,
    }


def test_times_of_a_process_and_of_its_ended_children_are_read() -> None:
    """Backends of PostgreSQL that have ended have taken processor time too."""
    assert cpu_s(os.getpid()) > 0
    assert reaped_s(os.getpid()) >= 0
