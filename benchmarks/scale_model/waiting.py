"""Waiting at the security servers on an ordinary day, and at the release of one artist's song."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.scale_model.arrivals import SECOND_NS, Kind, Times, Waits, arrivals, services, waits
from benchmarks.scale_model.inputs import Inputs
from benchmarks.scale_model.limits import start_us
from benchmarks.scale_model.model import Load, up

SEED: Final = 20_261_203
HOUR_SAMPLE_S: Final = 120
"""Simulated part of each hour of the day, seconds."""
MOST_EVENTS: Final = 200_000
"""Most simulated arrivals of a crowd; beyond that one stands for several listeners, with the work of all."""
GOOD_NS: Final = SECOND_NS
"""Wait within which 99 of 100 listeners of a crowd should be served."""


@dataclass(frozen=True)
class Day:
    """An ordinary day at one of the servers.

    Attributes:
        listeners: Its listeners at the peak.
        requests_per_s: Its requests at the peak.
        busy_permille: Part of the time for which it works at the peak, thousandths.
        all_day: Waits of the whole day.
        peak: Waits of the busiest hour.
    """

    listeners: int
    requests_per_s: int
    busy_permille: int
    all_day: Waits
    peak: Waits


@dataclass(frozen=True)
class Crowd:
    """The crowd of a release.

    Attributes:
        listeners: Those who press play.
        at_one: Waits where one server has the song.
        servers: Servers over which its listeners would have to be divided for ``GOOD_NS``.
        at_each: Waits there.
    """

    listeners: int
    at_one: Waits
    servers: int
    at_each: Waits


def kinds_of(found: Load, given: Inputs) -> tuple[Kind, ...]:
    """Requests of a load by kind; what a whole server needs beyond the steps is shared by all alike."""
    costs = given.costs
    keys_us = found.keys_per_s * costs.key_us // max(1, found.leases_per_s)
    settled_us = found.lines_per_s * (costs.statement_line_us + costs.voucher_line_us) // max(1, found.reports_per_s)
    return tuple(
        Kind(weight, us * 10 * costs.whole_percent)
        for weight, us in (
            (found.plays_per_s, costs.open_us),
            (found.leases_per_s, costs.lease_us + keys_us),
            (found.reports_per_s, costs.report_us + settled_us),
        )
    )


def day(found: Load, given: Inputs) -> Day:
    """Simulate an ordinary day at one of the servers of a load."""
    kinds, curve = kinds_of(found, given), given.assumed.day_percent
    per_s = up(sum(kind.weight for kind in kinds), found.servers)
    slot_ns = HOUR_SAMPLE_S * SECOND_NS
    count = per_s * HOUR_SAMPLE_S * sum(curve) // 100
    times = arrivals(SEED, count, curve, slot_ns)
    waited = waits(times, services(SEED, count, kinds))
    peak = curve.index(max(curve))
    mean_ns = sum(kind.weight * kind.service_ns for kind in kinds) // sum(kind.weight for kind in kinds)
    return Day(
        found.server_listeners,
        per_s,
        per_s * mean_ns * 1000 // SECOND_NS,
        Waits.of(waited),
        Waits.of(waited[times // slot_ns == peak]),
    )


def crowd(listeners: int, given: Inputs) -> Crowd:
    """Simulate the release of a song to so many simultaneous listeners."""
    pressed = max(1, listeners * given.assumed.crowd_percent // 100)
    start_ns, length_ns = start_us(given) * 1000, given.assumed.crowd_s * SECOND_NS
    # With less room than the work takes, the wait only grows.
    low = max(1, pressed * start_ns // (length_ns + GOOD_NS))
    high = 2 * low + 1
    while low < high:
        middle = (low + high) // 2
        if Waits.of(_crowd_waits(up(pressed, middle), start_ns, length_ns)).p99_ns <= GOOD_NS:
            high = middle
        else:
            low = middle + 1
    return Crowd(
        pressed,
        Waits.of(_crowd_waits(pressed, start_ns, length_ns)),
        high,
        Waits.of(_crowd_waits(up(pressed, high), start_ns, length_ns)),
    )


def _crowd_waits(pressed: int, start_ns: int, length_ns: int) -> Times:
    group = up(pressed, MOST_EVENTS)
    count = up(pressed, group)
    times = arrivals(SEED, count, (1,), length_ns)
    return waits(times, np.full(count, group * start_ns, dtype=np.int64))
