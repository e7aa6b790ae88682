"""Everything that the model says of the scales of docs/scale.md."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks.scale_model.inputs import inputs, raw_inputs
from benchmarks.scale_model.limits import LIMITS, Limit
from benchmarks.scale_model.model import Load, load
from benchmarks.scale_model.waiting import Crowd, Day, crowd, day

SCALES: Final = tuple(10**power for power in range(4, 9))


@dataclass(frozen=True)
class Broken:
    """A limit and where it is.

    Attributes:
        limit: The limit.
        breaks_at: Smallest number of listeners beyond it; None: none was found.
        most: What there is, in the limit's unit.
    """

    limit: Limit
    breaks_at: int | None
    most: int


@dataclass(frozen=True)
class Results:
    """Results of the model.

    Attributes:
        loads: One for each of ``SCALES``.
        limits: In the order in which they break.
        days: An ordinary day at a server of each load, then at one with as many listeners as its processor takes.
        crowds: A release at each of ``SCALES``.
        raw: The measured and assumed inputs.
    """

    loads: tuple[Load, ...]
    limits: tuple[Broken, ...]
    days: tuple[Day, ...]
    crowds: tuple[Crowd, ...]
    raw: dict[str, dict[str, dict[str, Any]]]

    def to_json(self) -> dict[str, Any]:
        """Plain values; amounts of wei exceed what other readers of JSON take for exact."""
        limits = [
            {"name": one.limit.name, "place": one.limit.place, "breaks_at": one.breaks_at, "most": one.most}
            | {"unit": one.limit.unit, "moved_by": one.limit.moved_by, "all_at_one_server": one.limit.is_of_one}
            for one in self.limits
        ]
        return {
            "loads": [asdict(one) | {"cpu_parts": dict(one.cpu_parts)} for one in self.loads],
            "limits": limits,
            "days": [asdict(one) for one in self.days],
            "crowds": [asdict(one) for one in self.crowds],
            **self.raw,
        }


def results() -> Results:
    """Compute everything."""
    given = inputs()
    loads = tuple(load(listeners, given) for listeners in SCALES)
    found = [Broken(one, one.breaks_at(given), one.most(given)) for one in LIMITS]
    found.sort(key=lambda one: (one.breaks_at is None, one.breaks_at, one.limit.name))
    full = next(one.breaks_at for one in found if one.limit is LIMITS[0])
    days = [*loads, *([load(full - 1, given, 1)] if full else [])]
    return Results(
        loads,
        tuple(found),
        tuple(day(one, given) for one in days),
        tuple(crowd(listeners, given) for listeners in SCALES),
        raw_inputs(),
    )
