"""Parts of a policy, each with its reader. Times in seconds, amounts in wei."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from pywallet.policy.fields import (
    MAX_COUNT,
    MAX_TIME_S,
    MAX_WEI,
    choice,
    integer,
    malformed,
    optional,
    table,
    without_defaults,
)
from pywallet.protocol.actions import HOLDS, STARTS, Action

ACTIONS: Final = frozenset(action.word for action in Action) - HOLDS
"""Actions that terms can name."""
IMPLIED_BY_PLAY: Final = frozenset({"pause", "resume", "stop", "renew"})
IMPLIED_BY_PREVIEW: Final = IMPLIED_BY_PLAY
UNITS: Final = ("start", "timed", "segment", "second")
HEARD_UNITS: Final = frozenset({"segment", "second"})
SEGMENT_S: Final = 2
PAYERS: Final = ("station", "listener", "nobody")
_DAY_S: Final = 86_400
_YEAR_S: Final = 31_536_000


@dataclass(frozen=True)
class Count:
    """Limit of an action's uses.

    Attributes:
        limit: Most uses.
        per_s: Length of a window that begins with the first use, for which the limit holds; None: in all.
        unit: ``start``: each use; ``timed``: each play heard for ``after_s``; ``second``: heard seconds; ``segment``:
            each two seconds of sound begun. Heard time is counted for ``play`` only.
        after_s: Heard time after which a play counts, with the unit ``timed``.
        within_s: Time after a use that counted within which further uses are part of it and free.
    """

    limit: int
    per_s: int | None = None
    unit: str = "start"
    after_s: int | None = None
    within_s: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The header's map, without a unit where it is ``start``."""
        out = without_defaults(self)
        if self.unit == "start":
            del out["unit"]
        return out


@dataclass(frozen=True)
class Price:
    """Price of one interval of ``interval_s`` heard seconds: ``owner`` and ``reward`` in wei, and the payer."""

    interval_s: int
    owner: int
    reward: int
    payer: str = "station"


@dataclass(frozen=True)
class OfflineLease:
    """Keys in advance: for ``window_s`` seconds of music, valid for ``seconds`` offline and ``invocations`` actions."""

    window_s: int
    seconds: int
    invocations: int


@dataclass(frozen=True)
class Renewal:
    """Obligation to reach the server every ``every_s``, retried every ``retry_s``; play continues for ``grace_s``."""

    every_s: int
    retry_s: int
    grace_s: int = 0


@dataclass(frozen=True)
class PlayablePart:
    """The part of the song that may be played: from ``from_s`` to ``to_s``; None: to the end."""

    from_s: int = 0
    to_s: int | None = None


def read_counts(value: Any) -> Mapping[str, Count]:
    """Read ``counts``: limits by action."""
    out = {}
    for action, entry in table(value, "counts", frozenset(), ACTIONS).items():
        name = f"counts.{action}"
        allowed = frozenset({"limit", "per_s", "unit", "after_s", "within_s"})
        entry = table(entry, name, frozenset({"limit"}), allowed)
        path = f"{name}."
        unit = choice(entry, "unit", UNITS, "start", path=path)
        count = Count(
            integer(entry["limit"], f"{name}.limit", 0, MAX_COUNT),
            optional(entry, "per_s", 1, path=path),
            unit,
            optional(entry, "after_s", 1, _DAY_S, path=path),
            optional(entry, "within_s", 1, _DAY_S, path=path),
        )
        _check_count(action, count, name)
        out[action] = count
    return MappingProxyType(out)


def _check_count(action: str, count: Count, name: str) -> None:
    if count.unit != "start" and action not in STARTS:
        raise malformed(f"{name}.unit", "only what sounds is counted by time")
    if (count.unit == "timed") != (count.after_s is not None):
        raise malformed(f"{name}.after_s", "goes with the unit timed, and only with it")
    if count.unit in HEARD_UNITS and (count.per_s is not None or count.within_s is not None):
        raise malformed(f"{name}.unit", "heard time has no windows: use metered_s, or count starts")


def read_price(value: Any) -> Price:
    """Read ``price``."""
    fields = frozenset({"interval_s", "owner", "reward", "payer"})
    raw = table(value, "price", fields - {"payer"}, fields)
    payer = choice(raw, "payer", PAYERS, "station", path="price.")
    price = Price(
        integer(raw["interval_s"], "price.interval_s", 1, _DAY_S),
        integer(raw["owner"], "price.owner", 0, MAX_WEI),
        integer(raw["reward"], "price.reward", 0, MAX_WEI),
        payer,
    )
    if payer == "nobody" and (price.owner or price.reward):
        raise malformed("price.payer", "somebody must pay an amount above zero")
    return price


def read_lease(value: Any) -> OfflineLease:
    """Read ``lease``."""
    fields = frozenset({"window_s", "seconds", "invocations"})
    raw = table(value, "lease", fields, fields)
    return OfflineLease(
        integer(raw["window_s"], "lease.window_s", 2, _DAY_S),
        integer(raw["seconds"], "lease.seconds", 1, _YEAR_S),
        integer(raw["invocations"], "lease.invocations", 1, 1_000_000),
    )


def read_renewal(value: Any) -> Renewal:
    """Read ``renewal``."""
    fields = frozenset({"every_s", "retry_s", "grace_s"})
    raw = table(value, "renewal", fields - {"grace_s"}, fields)
    every = integer(raw["every_s"], "renewal.every_s", 5, _YEAR_S)
    return Renewal(
        every,
        integer(raw["retry_s"], "renewal.retry_s", 1, every),
        integer(raw.get("grace_s", 0), "renewal.grace_s", 0, MAX_TIME_S),
    )


def read_part(value: Any) -> PlayablePart:
    """Read ``part``."""
    raw = table(value, "part", frozenset(), frozenset({"from_s", "to_s"}))
    part = PlayablePart(
        integer(raw.get("from_s", 0), "part.from_s", 0, MAX_TIME_S), optional(raw, "to_s", 1, path="part.")
    )
    if part.to_s is not None and part.to_s <= part.from_s:
        raise malformed("part.to_s", "after from_s")
    return part
