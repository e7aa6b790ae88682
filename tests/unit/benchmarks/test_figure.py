"""The form of a figure and the statistics behind it."""

from __future__ import annotations

import pytest

from benchmarks.figure import Figure, median, percentile


def test_ratio_is_ours_over_the_peers() -> None:
    """The printed object has the value divided by the peer's value."""
    out = Figure("seek", 30.0, "ms", "hls", 40.0, "lower").to_json()
    assert out == {
        "name": "seek",
        "value": 30.0,
        "unit": "ms",
        "peer": "hls",
        "peer_value": 40.0,
        "better": "lower",
        "ratio": 0.75,
    }


def test_a_peer_of_zero_has_no_ratio() -> None:
    """It gives no ratio instead of an error."""
    assert Figure("gas", 1.0, "gas", "none", 0, "lower").to_json()["ratio"] is None


def test_detail_is_printed_unchanged() -> None:
    """Detail is printed as given, and omitted when there is none."""
    assert Figure("a", 1, "ms", "b", 2, "lower", {"p90": 3}).to_json()["detail"] == {"p90": 3}
    assert "detail" not in Figure("a", 1, "ms", "b", 2, "lower", {}).to_json()


def test_median_is_rounded_to_a_tenth() -> None:
    """The median of an even count lies between the middle two, to 0.1."""
    assert median([4.0, 1.0, 2.04, 3.0]) == 2.5


@pytest.mark.parametrize(("share", "expected"), [(0.0, 10), (0.5, 60), (0.9, 100), (1.0, 100)])
def test_percentile_is_a_sample_of_the_sorted_list(share: float, expected: int) -> None:
    """A percentile is one of the samples, whatever their order, and never past the last."""
    assert percentile([100, 10, 20, 30, 40, 50, 60, 70, 80, 90], share) == expected
