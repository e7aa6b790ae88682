"""Guesses which listeners at two stations are one fan, from when, how often, in which order and how much was paid to
their payees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Final

HINT: Final = 0.5
"""Mutual best guesses are evidence where more than this share of them is right."""
LEAST: Final = 5
"""Fewer guesses than these are luck."""
SHARE: Final = 0.3
"""Everybody paired with somebody is evidence where more than this share is right: by chance it is one pair."""


@dataclass(frozen=True)
class Paid:
    """A claim on the chain.

    Its block, its place among all claims, its epoch, when that is final (Unix seconds), wei.
    """

    block: int
    order: int
    epoch: int
    final_s: int
    amount: int


@dataclass
class Trace:
    """Observations of a listener at one station."""

    claims: list[Paid] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Guess:
    """Pairs that one kind of coincidence suggests.

    Attributes:
        pairs: How many.
        right: Persons of those that are right.
        evidence: True if so many are right that an attacker can rely on it.
    """

    pairs: int
    right: frozenset[str]
    evidence: bool


Distance = Callable[[Trace, Trace], float]


def _mean(value: Callable[[Paid], float]) -> Distance:
    return lambda one, other: abs(fmean(map(value, one.claims)) - fmean(map(value, other.claims)))


def _extreme(of: Callable[[list[int]], int]) -> Distance:
    return lambda one, other: abs(of([paid.block for paid in one.claims]) - of([paid.block for paid in other.claims]))


def _near(value: Callable[[Paid], int]) -> Distance:
    """Mean distance of each claim to the other listener's nearest claim."""

    def distance(one: Trace, other: Trace) -> float:
        first, second = [value(paid) for paid in one.claims], [value(paid) for paid in other.claims]
        there = fmean(min(abs(mine - theirs) for theirs in second) for mine in first)
        return there + fmean(min(abs(mine - theirs) for theirs in first) for mine in second)

    return distance


def _apart(value: Callable[[Paid], int]) -> Distance:
    """Jaccard distance of two sets of values."""

    def distance(one: Trace, other: Trace) -> float:
        first, second = {value(paid) for paid in one.claims}, {value(paid) for paid in other.claims}
        return 1 - len(first & second) / len(first | second)

    return distance


def _delays(one: Trace, other: Trace) -> float:
    """How differently long they waited for each epoch that both have."""
    waits = [{paid.epoch: paid.block for paid in trace.claims} for trace in (one, other)]
    both = waits[0].keys() & waits[1].keys()
    return fmean(abs(waits[0][epoch] - waits[1][epoch]) for epoch in both) if both else float("inf")


def _seconds(one: Trace, other: Trace) -> float:
    """How differently the times of sessions lie in their minutes: an hour here."""
    first, second = ({time_s % 60 for time_s in trace.sessions} for trace in (one, other))
    return 1 - len(first & second) / len(first | second)


KINDS: Final[Mapping[str, Distance]] = {
    "same blocks": _apart(lambda paid: paid.block),
    "near blocks": _near(lambda paid: paid.block),
    "near order": _near(lambda paid: paid.order),
    "mean time": _mean(lambda paid: paid.block),
    "first": _extreme(min),
    "last": _extreme(max),
    "span": lambda one, other: _extreme(min)(one, other) + _extreme(max)(one, other),
    "delay by epoch": _delays,
    "epochs": _apart(lambda paid: paid.epoch),
    "amounts": _apart(lambda paid: paid.amount),
    "mean amount": _mean(lambda paid: paid.amount),
    "number": lambda one, other: abs(len(one.claims) - len(other.claims)),
    "seconds of sessions": _seconds,
}


def guesses(
    places: tuple[Mapping[bytes, Trace], Mapping[bytes, Trace]], persons: Mapping[bytes, str]
) -> dict[str, Guess]:
    """Pair listeners by every kind of coincidence, and by all kinds together.

    Each kind pairs mutual best matches, and every listener with some other.
    """
    first, second = ([(listener, trace) for listener, trace in place.items() if trace.claims] for place in places)
    tables = {name: [[kind(one, other) for _, other in second] for _, one in first] for name, kind in KINDS.items()}
    ranks = [_ranks(table) for table in tables.values()]
    tables["all"] = [[sum(rank[at][to] for rank in ranks) for to in range(len(second))] for at in range(len(first))]
    times = [
        _ranks(tables[name]) for name in ("near blocks", "near order", "mean time", "first", "last", "delay by epoch")
    ]
    tables["all times"] = [
        [sum(rank[at][to] for rank in times) for to in range(len(second))] for at in range(len(first))
    ]
    results: dict[str, Guess] = {}
    for name, table in tables.items():
        for how, pairs in (("best", _mutual(table)), ("everybody", _everybody(table))):
            told = [(persons[first[at][0]], persons[second[to][0]]) for at, to in pairs]
            right = frozenset(one for one, other in told if one == other)
            share = HINT if how == "best" else SHARE
            results[f"{name}, {how}"] = Guess(len(told), right, len(told) >= LEAST and len(right) > share * len(told))
    return results


def _ranks(table: Sequence[Sequence[float]]) -> list[list[float]]:
    """Of each distance how many in its row and column are smaller, and half of those that are equal."""
    columns = list(zip(*table, strict=True))

    def rank(value: float, line: Sequence[float]) -> float:
        return sum(other < value for other in line) + sum(other == value for other in line) / 2

    return [[rank(value, row) + rank(value, columns[to]) for to, value in enumerate(row)] for row in table]


def _mutual(table: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Pairs each of which is nearer than every other pair of either."""
    columns = list(zip(*table, strict=True))
    return [
        (at, to)
        for at, row in enumerate(table)
        for to, value in enumerate(row)
        if value == min(row) == min(columns[to]) and row.count(value) == columns[to].count(value) == 1
    ]


def _everybody(table: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Everybody with one other: the nearest pair first, of those that are left."""
    ordered = sorted((value, at, to) for at, row in enumerate(table) for to, value in enumerate(row))
    left: list[tuple[int, int]] = []
    for _, at, to in ordered:
        if all(at != one and to != other for one, other in left):
            left.append((at, to))
    return left
