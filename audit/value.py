"""Value scores from the public record (docs/valuation.md).

Saturating sums that fade, so that nobody's score moves by another's plays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from audit.run import AuditedEpoch
from audit.statements import Row, Statement
from pywallet.encoding.hex import to_hex

HALF_LIFE_S: Final = 30 * 86_400
"""Half-life of a play, seconds."""

HALF_SECONDS: Final = 36_000.0
"""Paid seconds of listening that give half of a band's first part: ten hours."""
HALF_REACH: Final = 3.0
"""Stations that give half of its second part."""
HALF_DEPTH: Final = 60.0
"""Seconds a play that give half of its third part."""
BAND_PARTS: Final = (0.5, 0.3, 0.2)

HALF_EARNED: Final = 10 * 10**18
"""Wei of rewards that give half of a listener's first part."""
HALF_EPOCHS: Final = 24.0
"""Epochs with listening that give half of its second part."""
LISTENER_PARTS: Final = (0.6, 0.4)


def saturate(value: float, half: float) -> float:
    """0 for nothing, a half at ``half``, never 1: value / (value + half)."""
    return value / (value + half) if value > 0 else 0.0


def faded(value: float, age_s: float) -> float:
    """Exponential decay of a value with ``HALF_LIFE``."""
    return float(value * 2.0 ** (-max(0.0, age_s) / HALF_LIFE_S))


@dataclass
class Band:
    """Decayed sums of one owner. Unpaid plays do not count, so that a score cannot be had for free."""

    seconds: float = 0.0
    plays: float = 0.0
    stations: dict[bytes, float] = field(default_factory=dict)

    def add(self, station: bytes, seconds: int, plays: int, age_s: float) -> None:
        """Add paid listening at one station in one epoch."""
        self.seconds += faded(seconds, age_s)
        self.plays += faded(plays, age_s)
        # A station counts as far as it plays the band still: wholly from half an hour on.
        self.stations[station] = self.stations.get(station, 0.0) + faded(seconds, age_s)

    @property
    def parts(self) -> tuple[float, float, float]:
        """Listening, reach and depth, each from 0 to 1."""
        reach = sum(min(1.0, seconds / 1800.0) for seconds in self.stations.values())
        depth = self.seconds / self.plays if self.plays > 0 else 0.0
        return saturate(self.seconds, HALF_SECONDS), saturate(reach, HALF_REACH), saturate(depth, HALF_DEPTH)

    @property
    def score(self) -> float:
        """0 to 100."""
        return 100.0 * sum(weight * part for weight, part in zip(BAND_PARTS, self.parts, strict=True))


@dataclass
class Listener:
    """Decayed sums of one fan's payees, which only the fan knows."""

    earned: float = 0.0
    epochs: float = 0.0

    def add(self, amount: int, age_s: float) -> None:
        """Add the payees' earnings of one epoch."""
        self.earned += faded(amount, age_s)
        self.epochs += faded(1, age_s)

    @property
    def parts(self) -> tuple[float, float]:
        """Rewards and regularity, each from 0 to 1."""
        return saturate(self.earned, HALF_EARNED), saturate(self.epochs, HALF_EPOCHS)

    @property
    def score(self) -> float:
        """0 to 100."""
        return 100.0 * sum(weight * part for weight, part in zip(LISTENER_PARTS, self.parts, strict=True))


class Value:
    """Scores of all bands, and of the listener whose payees are given.

    ``now_s``: to which time values have faded, Unix s.
    """

    def __init__(self, length_s: int, now_s: int, payees: Iterable[bytes] = ()) -> None:
        self._length_s = length_s
        self._now_s = now_s
        self._payees = set(payees)
        self.bands: dict[bytes, Band] = {}
        self.listener = Listener()

    def take(self, seen: AuditedEpoch) -> None:
        """Add one audited epoch."""
        age_s = self._now_s - (seen.totals.epoch + 1) * self._length_s
        for line in seen.totals.lines():
            if line.sums.intervals and line.price + line.reward:
                self.bands.setdefault(line.owner, Band()).add(line.station, line.sums.heard_s, line.sums.plays, age_s)
        if self._payees:
            mine = sum(amount - owned for payee, amount, owned in seen.totals.file.payees() if payee in self._payees)
            if mine:
                self.listener.add(mine, age_s)

    def statement(self) -> Statement:
        """The scores as rows, the highest first."""
        columns = ("who", "kind", "score", "listening", "reach", "depth")
        out = Statement("value", columns)
        for owner, band in sorted(self.bands.items(), key=lambda item: (-item[1].score, item[0])):
            out.rows.append(_row(to_hex(owner), "band", band.score, band.parts))
        if self._payees:
            earned, regular = self.listener.parts
            out.rows.append(_row("you", "listener", self.listener.score, (earned, regular, 0.0)))
        return out


def _row(who: str, kind: str, score: float, parts: tuple[float, ...]) -> Row:
    names = ("listening", "reach", "depth")
    return {
        "who": who,
        "kind": kind,
        "score": f"{score:.1f}",
        **{n: f"{part:.3f}" for n, part in zip(names, parts, strict=True)},
    }
