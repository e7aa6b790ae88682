"""The seek figure in Firefox over a line on which every request takes 50 ms longer, for ours and the peer alike."""

from __future__ import annotations

from typing import Any

from benchmarks import seeks
from benchmarks.players import DELAY_S


def run() -> list[dict[str, Any]]:
    """Measure; one figure."""
    return seeks.run_firefox(DELAY_S, "_firefox_50ms")
