"""Value scores from the published data (docs/valuation.md): decaying, saturating sums, independent of other scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from audit.reports import Report, ReportRow
from audit.run import AuditedEpoch
from pywallet.encoding.hex import to_hex

HALF_LIFE_S: Final = 30 * 86_400
"""Half-life of a play, seconds."""

HALF_SECONDS: Final = 36_000.0
"""Paid listening that gives half of a band's first part, seconds: ten hours."""
HALF_REACH: Final = 3.0
"""Number of stations that gives half of its second part."""
HALF_DEPTH: Final = 60.0
"""Mean length of a play that gives half of its third part, seconds."""
BAND_PARTS: Final = (0.5, 0.3, 0.2)

HALF_EARNED: Final = 10 * 10**18
"""Rewards that give half of a listener's first part, wei."""
HALF_EPOCHS: Final = 24.0
"""Number of epochs with listening that gives half of its second part."""
LISTENER_PARTS: Final = (0.6, 0.4)


def saturate(value: float, half: float) -> float:
    """Map a sum to [0, 1): value / (value + half), which is a half at ``half``."""
    return value / (value + half) if value > 0 else 0.0


def faded(value: float, age_s: float) -> float:
    """Exponential decay of a value with ``HALF_LIFE_S``."""
    return float(value * 2.0 ** (-max(0.0, age_s) / HALF_LIFE_S))


@dataclass
class BandScore:
    """Decayed sums of one owner's paid plays."""

    seconds: float = 0.0
    plays: float = 0.0
    stations: dict[bytes, float] = field(default_factory=dict)

    def add(self, station: bytes, seconds: int, plays: int, age_s: float) -> None:
        """Add paid listening at one station in one epoch."""
        self.seconds += faded(seconds, age_s)
        self.plays += faded(plays, age_s)
        # A station counts in proportion to its decayed listening, fully from half an hour.
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
class ListenerScore:
    """Decayed sums of one fan's payees."""

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


class ValueScores:
    """Scores of all bands, and of the listener whose payees are given."""

    def __init__(self, length_s: int, now_s: int, payees: Iterable[bytes] = ()) -> None:
        """Initialise the scores.

        Args:
            length_s: Length of an epoch, seconds.
            now_s: Time to which values decay, Unix seconds.
            payees: Of the listener, 20 bytes each.
        """
        self._length_s = length_s
        self._now_s = now_s
        self._payees = set(payees)
        self.bands: dict[bytes, BandScore] = {}
        self.listener = ListenerScore()

    def take(self, audited: AuditedEpoch) -> None:
        """Add one audited epoch."""
        age_s = self._now_s - (audited.totals.epoch + 1) * self._length_s
        for line in audited.totals.lines():
            if line.sums.intervals and line.price + line.reward:
                self.bands.setdefault(line.owner, BandScore()).add(
                    line.station, line.sums.heard_s, line.sums.plays, age_s
                )
        if self._payees:
            earned = sum(
                amount - owned for payee, amount, owned in audited.totals.file.payees() if payee in self._payees
            )
            if earned:
                self.listener.add(earned, age_s)

    def statement(self) -> Report:
        """The scores as rows, the highest first."""
        columns = ("who", "kind", "score", "listening", "reach", "depth")
        out = Report("value", columns)
        for owner, band in sorted(self.bands.items(), key=lambda item: (-item[1].score, item[0])):
            out.rows.append(_row(to_hex(owner), "band", band.score, band.parts))
        if self._payees:
            earned, regular = self.listener.parts
            out.rows.append(_row("you", "listener", self.listener.score, (earned, regular, 0.0)))
        return out


def _row(who: str, kind: str, score: float, parts: tuple[float, ...]) -> ReportRow:
    names = ("listening", "reach", "depth")
    return {
        "who": who,
        "kind": kind,
        "score": f"{score:.1f}",
        **{n: f"{part:.3f}" for n, part in zip(names, parts, strict=True)},
    }
