"""The seek figure in Firefox."""

from __future__ import annotations

from typing import Any

from benchmarks import seeks


def run() -> list[dict[str, Any]]:
    """Measure; one figure."""
    return seeks.run_firefox(0.0, "_firefox")
