"""The start figures in Chromium over a line on which every request takes 50 ms longer, for ours and the peers alike."""

from __future__ import annotations

from typing import Any

from benchmarks import starts
from benchmarks.players import DELAY_S, Scene


def run(here: Scene | None = None) -> list[dict[str, Any]]:
    """Measure; two figures. In a scene of its own, or in ``here``."""
    return starts.run(here, DELAY_S, "_50ms")
