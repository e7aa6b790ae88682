"""The start figures in Firefox."""

from __future__ import annotations

from typing import Any

from benchmarks import starts


def run() -> list[dict[str, Any]]:
    """Measure; two figures."""
    return starts.run_firefox(0.0, "_firefox")
