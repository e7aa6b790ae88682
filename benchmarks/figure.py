"""The form of a figure, and how samples become one."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Figure:
    """One measured value beside its peer's from the same run; ``better`` says which direction is good."""

    name: str
    value: float
    unit: str
    peer: str
    peer_value: float
    better: Literal["lower", "higher"]
    detail: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The object that ``build.py bench`` prints."""
        out = asdict(self)
        detail = out.pop("detail")
        out["ratio"] = round(self.value / self.peer_value, 4) if self.peer_value else None
        return {**out, **({"detail": detail} if detail else {})}


def median(samples: Sequence[float]) -> float:
    """The median, rounded to 0.1."""
    return round(statistics.median(samples), 1)


def percentile(samples: Sequence[float], share: float) -> float:
    """The sample at ``share`` (0 to 1) of the sorted list."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
