"""``build.py demo --headless``, from the first song to its claim."""

from __future__ import annotations

import pytest

from demo.__main__ import POLICY, sample
from demo.headless import play_once


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_the_demo_plays_counts_and_pays_a_song(browser: str, packed: None) -> None:
    """A fan plays the sample, and every amount and count that follows is on the chain."""
    report = play_once(browser, sample(), POLICY, 11, print, None, None)
    assert report.broken == []
    assert report.plays == 1
    assert report.seeks == 2
    assert report.reward_wei >= 2 * 2 * 10**15
    assert report.station_debit_wei == report.owner_paid_wei + report.reward_wei + report.commission_wei
    assert report.listener_balance_wei == report.reward_wei
    assert report.first_audio_ms is not None
    assert len(report.seek_ms) == 2
