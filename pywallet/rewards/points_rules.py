"""What a play is worth in points.

Per station, per content, with caps, a minimum, and a share for discovering a band.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from pywallet.encoding.hex import from_hex
from pywallet.errors import InputError

DAY_S: Final = 86_400
_MOST: Final = 1 << 31


@dataclass(frozen=True)
class Rules:
    """Points for listening. ``discovery_percent`` comes on top where the band is new to the listener."""

    points_per_minute: int = 1
    minimum_s: int = 30
    """A play that was heard for less gives nothing."""
    cap_per_day: int = 120
    """Points of one listener and day (UTC), the discovery share included."""
    discovery_percent: int = 50

    def __post_init__(self) -> None:
        for spec in fields(self):
            value = getattr(self, spec.name)
            if type(value) is not int or not 0 <= value < _MOST:
                raise InputError("message.schema", field=spec.name, reason="a whole number is expected")


@dataclass(frozen=True)
class Heard:
    """One paid play: who heard what of whose for how long, and when it ended (Unix s)."""

    listener: bytes
    content: bytes
    owner: bytes
    seconds: int
    time_s: int


@dataclass(frozen=True)
class Award:
    """Points for one play. ``capped``: what the day's cap has taken away."""

    play: Heard
    points: int
    discovery: int
    capped: int

    @property
    def total(self) -> int:
        """What the listener gets."""
        return self.points + self.discovery


@dataclass(frozen=True)
class Programme:
    """A station's rules, and those of single contents.

    A content's own cap counts within the station's, never beyond it.
    """

    station: Rules = field(default_factory=Rules)
    contents: Mapping[bytes, Rules] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, raw: Any) -> Programme:
        """From TOML: ``[rewards]`` with the names of ``Rules``, ``[rewards.contents."0x..."]`` likewise.

        Raises InputError message.schema.
        """
        if not isinstance(raw, Mapping):
            raise InputError("message.schema", field="rewards")
        contents = raw.get("contents", {})
        if not isinstance(contents, Mapping):
            raise InputError("message.schema", field="rewards.contents")
        base = {name: value for name, value in raw.items() if name != "contents"}
        rules = _rules(base, {})
        return cls(rules, {from_hex(content, 20): _rules(entry, base) for content, entry in contents.items()})

    def award(
        self, plays: Iterable[Heard], before: Mapping[tuple[bytes, int], int], known: Iterable[tuple[bytes, bytes]]
    ) -> list[Award]:
        """Points for plays in the order in which they ended.

        Args:
            plays: oldest first.
            before: (listener, day since 1970) to points given on that day already.
            known: (listener, owner) pairs that are no discovery any more.
        """
        given, of_content = dict(before), dict[tuple[bytes, bytes, int], int]()
        met = set(known)
        out = []
        for play in plays:
            rules = self.contents.get(play.content, self.station)
            day = play.time_s // DAY_S
            if play.seconds < rules.minimum_s:
                out.append(Award(play, 0, 0, 0))
                continue
            points = play.seconds * rules.points_per_minute // 60
            # Only a play that counts makes a band known: a second of it is no discovery spent.
            new = (play.listener, play.owner) not in met
            met.add((play.listener, play.owner))
            discovery = points * rules.discovery_percent // 100 if new else 0
            spot = (play.listener, play.content, day)
            room = max(0, self.station.cap_per_day - given.get((play.listener, day), 0))
            if play.content in self.contents:
                room = min(room, max(0, rules.cap_per_day - of_content.get(spot, 0)))
            paid = min(points, room)
            bonus = min(discovery, room - paid)
            given[play.listener, day] = given.get((play.listener, day), 0) + paid + bonus
            of_content[spot] = of_content.get(spot, 0) + paid + bonus
            out.append(Award(play, paid, bonus, points + discovery - paid - bonus))
        return out


def _rules(raw: Any, base: Mapping[str, Any]) -> Rules:
    names = {spec.name for spec in fields(Rules)}
    if not isinstance(raw, Mapping) or not set(raw) <= names:
        raise InputError("message.schema", field="rewards", reason=f"known are {', '.join(sorted(names))}")
    return Rules(**{**base, **raw})
