"""Value scores: bounded, decaying, from paid listening only, and independent of others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from audit.epoch_totals import sum_epoch
from audit.tables import EpochFile
from audit.value import HALF_LIFE_S, BandScore, ListenerScore, ValueScores, faded
from tests.unit.audit.audit_book import OWNERS, honest

FINITE = st.floats(0, 1e12)


def seen(data: Any) -> Any:
    """An audited epoch, as reports receive it."""
    return SimpleNamespace(totals=sum_epoch(EpochFile(data.encode()), 60))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10**6), st.integers(1, 1000), FINITE), max_size=12))
def test_scores_stay_in_their_range_and_grow_with_listening(steps: list[tuple[int, int, int, float]]) -> None:
    """A score would exceed 100, or fall after more listening."""
    band = BandScore()
    for station, seconds, plays, age in steps:
        band.add(bytes([station]) * 20, seconds, plays, age)
    before = band.score
    assert 0 <= before < 100
    depth = band.seconds / band.plays if band.plays else 100.0
    band.add(b"\0" * 20, 3600, max(1, int(3600 / max(depth, 1e-9)) if depth > 1e-6 else 1), 0)
    assert band.parts[0] >= 0
    assert band.seconds >= 3600


def test_a_play_counts_half_after_the_half_life() -> None:
    """Old plays would count too much, or future ones more than present ones."""
    assert faded(8, HALF_LIFE_S) == 4
    assert faded(8, -5) == 8


def test_the_documented_example() -> None:
    """The example of docs/valuation.md would be wrong."""
    band = BandScore()
    for station in range(3):
        band.add(bytes([station]) * 20, 12_000, 200, 0)
    assert band.parts == (0.5, 0.5, 0.5)
    assert band.score == 50.0
    fan = ListenerScore()
    for _ in range(24):
        fan.add(10**19 // 24, 0)
    assert round(fan.score, 6) == 50.0


def test_only_paid_plays_of_the_owner_count() -> None:
    """A score could be raised for free, or by plays of others."""
    data = honest(60)
    value = ValueScores(60, (data.epoch + 1) * 60)
    value.take(seen(data))
    assert set(value.bands) == set(OWNERS)
    alone = value.bands[OWNERS[1]].score
    crowd = ValueScores(60, (data.epoch + 1) * 60, [row.payee for row in data.payees if row.payee not in OWNERS])
    crowd.take(seen(data))
    for _ in range(5):
        crowd.bands[OWNERS[0]].add(b"\x99" * 20, 10**6, 1, 0)
    assert crowd.bands[OWNERS[1]].score == alone
    assert crowd.listener.score > 0
    rows = crowd.statement().rows
    assert [row["kind"] for row in rows] == ["band", "band", "listener"]
    assert float(rows[0]["score"]) >= float(rows[1]["score"])
