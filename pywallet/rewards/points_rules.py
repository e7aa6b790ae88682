"""Points for a play: rules per station and content, daily caps, a minimum, a bonus for a band that is new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from pywallet.encoding.hex import from_hex
from pywallet.errors import InputError

DAY_S: Final = 86_400
_MOST: Final = 1 << 31


@dataclass(frozen=True)
class PointsRules:
    """Points for listening; ``discovery_percent`` is added where the band is new to the listener."""

    points_per_minute: int = 1
    minimum_s: int = 30
    """Shorter plays give no points."""
    cap_per_day: int = 120
    """Points per listener and day (UTC), the discovery bonus included."""
    discovery_percent: int = 50

    def __post_init__(self) -> None:
        for spec in fields(self):
            value = getattr(self, spec.name)
            if type(value) is not int or not 0 <= value < _MOST:
                raise InputError("message.schema", field=spec.name, reason="a whole number is expected")


@dataclass(frozen=True)
class PaidPlay:
    """A paid play.

    Attributes:
        listener: Address, 20 bytes.
        content: Address, 20 bytes.
        owner: Of the content, 20 bytes.
        seconds: Played.
        time_s: When it ended, Unix seconds.
    """

    listener: bytes
    content: bytes
    owner: bytes
    seconds: int
    time_s: int


@dataclass(frozen=True)
class Award:
    """Points for one play; ``capped``: points withheld by the daily cap."""

    play: PaidPlay
    points: int
    discovery: int
    capped: int

    @property
    def total(self) -> int:
        """Points that the listener gets."""
        return self.points + self.discovery


@dataclass(frozen=True)
class Programme:
    """A station's rules, and those of single contents.

    A content's own cap counts within the station's, never beyond it.
    """

    station: PointsRules = field(default_factory=PointsRules)
    contents: Mapping[bytes, PointsRules] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, raw: Any) -> Programme:
        """From TOML: ``[rewards]`` with the fields of ``PointsRules``, ``[rewards.contents."0x..."]`` likewise.

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
        self,
        plays: Iterable[PaidPlay],
        before: Mapping[tuple[bytes, int], int],
        heard_before: Iterable[tuple[bytes, bytes]],
    ) -> list[Award]:
        """Points for plays in the order in which they ended.

        Args:
            plays: oldest first.
            before: (listener, day since 1970) to points given on that day already.
            heard_before: (listener, owner) pairs that give no discovery bonus.
        """
        given, of_content = dict(before), dict[tuple[bytes, bytes, int], int]()
        met = set(heard_before)
        out = []
        for play in plays:
            rules = self.contents.get(play.content, self.station)
            day = play.time_s // DAY_S
            if play.seconds < rules.minimum_s:
                out.append(Award(play, 0, 0, 0))
                continue
            points = play.seconds * rules.points_per_minute // 60
            # A play below the minimum does not use up the discovery bonus.
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


def _rules(raw: Any, base: Mapping[str, Any]) -> PointsRules:
    names = {spec.name for spec in fields(PointsRules)}
    if not isinstance(raw, Mapping) or not set(raw) <= names:
        raise InputError("message.schema", field="rewards", reason=f"known are {', '.join(sorted(names))}")
    return PointsRules(**{**base, **raw})
