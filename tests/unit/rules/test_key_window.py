"""Key window: the function, and host and security server with the same segments."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from native_host.playback.pacing import Pacer
from pywallet.policy import Extent
from pywallet.rules.key_window import BEHIND_MS, BUFFER_MS, Window
from pywallet.rules.limits import CLOCK_SLACK_MS
from security_server.config import Config

STARTS = tuple(range(0, 200_001, 2_000))
DURATIONS = st.lists(st.integers(0, 10_000), min_size=1, max_size=60)


def test_a_window_reaches_from_the_jump_to_the_buffer() -> None:
    """A window would begin or end elsewhere."""
    assert Window.of(100_000, 107_000) == Window(100_000 - BEHIND_MS, 107_000 + BUFFER_MS + CLOCK_SLACK_MS)
    assert Config.__dataclass_fields__["buffer_s"].default * 1000 == BUFFER_MS


@given(jump_ms=st.integers(0, 200_000), heard_ms=st.integers(0, 100_000))
def test_the_hosts_window_is_the_servers(jump_ms: int, heard_ms: int) -> None:
    """The host would request keys that the server withholds."""
    pacer = Pacer().after("play", 0, 0).after("seek", jump_ms, 1_000)
    assert pacer.window(jump_ms + heard_ms) == Window.of(jump_ms, jump_ms + heard_ms)


@given(
    durations=DURATIONS,
    start=st.integers(-10_000, 300_000),
    length=st.integers(-10, 300_000),
    first=st.integers(0, 70),
    count=st.integers(0, 70),
)
def test_the_segments_are_those_that_overlap(
    durations: list[int], start: int, length: int, first: int, count: int
) -> None:
    """A key outside the window would be released, or one inside withheld."""
    starts = (0, *accumulate(durations))
    window = Window(start, start + length)
    overlapping = [
        index
        for index in range(first, min(first + count, len(durations)))
        if length > 0 and starts[index + 1] > start and starts[index] < window.end_ms
    ]
    assert list(window.clip(starts, first, count)) == overlapping


def test_terms_and_credit_limit_a_window() -> None:
    """Keys would be released beyond the terms or the credit."""
    window = Window(0, 100_000)
    assert window.within(Extent(10_000, 30_000), 0) == Window(10_000, 30_000)
    assert window.within(Extent(ahead_ms=5_000), 20_000) == Window(0, 25_000)
    assert window.until(40_000) == Window(0, 40_000)
    assert not window.within(Extent(50_000, 30_000), 0).clip(STARTS, 0, 10)
