"""Points for plays: rates per station and content, a minimum, daily caps, and a bonus for a new band."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from pywallet.encoding.hex import from_hex
from pywallet.errors import InputError

DAY_S: Final = 86_400
_MAX: Final = 1 << 31


@dataclass(frozen=True)
class PointsRules:
    """Rules of points; ``discovery_percent`` is the bonus where the band is new to the listener."""

    points_per_minute: int = 1
    minimum_s: int = 30
    """Shortest play that gives points, seconds."""
    cap_per_day: int = 120
    """Most points of a listener and day (UTC), including the discovery bonus."""
    discovery_percent: int = 50

    def __post_init__(self) -> None:
        for spec in fields(self):
            value = getattr(self, spec.name)
            if type(value) is not int or not 0 <= value < _MAX:
                raise InputError("message.schema", field=spec.name, reason="a whole number is expected")


@dataclass(frozen=True)
class PaidPlay:
    """A paid play.

    Attributes:
        listener: Address, 20 bytes.
        content: Address, 20 bytes.
        owner: Address of the content's owner, 20 bytes.
        seconds: Heard time.
        time_s: End of the play, Unix seconds.
    """

    listener: bytes
    content: bytes
    owner: bytes
    seconds: int
    time_s: int


@dataclass(frozen=True)
class Award:
    """Points for one play, its discovery bonus, and the points withheld by the daily caps."""

    play: PaidPlay
    points: int
    discovery: int
    capped: int

    @property
    def total(self) -> int:
        """Points that the listener receives."""
        return self.points + self.discovery


@dataclass(frozen=True)
class Programme:
    """A station's rules, and those of single contents. A content's cap applies in addition to the station's."""

    station: PointsRules = field(default_factory=PointsRules)
    contents: Mapping[bytes, PointsRules] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, raw: Any) -> Programme:
        """Parse TOML: ``[rewards]`` with the fields of ``PointsRules``, ``[rewards.contents."0x..."]`` likewise.

        Raises:
            InputError: ``message.schema``.
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
            plays: The plays, oldest first.
            before: Points given so far by (listener, day since 1970).
            heard_before: (listener, owner) pairs without a discovery bonus.
        """
        given, given_for_content = dict(before), dict[tuple[bytes, bytes, int], int]()
        heard = set(heard_before)
        out = []
        for play in plays:
            rules = self.contents.get(play.content, self.station)
            day = play.time_s // DAY_S
            if play.seconds < rules.minimum_s:
                out.append(Award(play, 0, 0, 0))
                continue
            points = play.seconds * rules.points_per_minute // 60
            # A play below the minimum does not use up the discovery bonus.
            new = (play.listener, play.owner) not in heard
            heard.add((play.listener, play.owner))
            discovery = points * rules.discovery_percent // 100 if new else 0
            key = (play.listener, play.content, day)
            room = max(0, self.station.cap_per_day - given.get((play.listener, day), 0))
            if play.content in self.contents:
                room = min(room, max(0, rules.cap_per_day - given_for_content.get(key, 0)))
            paid = min(points, room)
            bonus = min(discovery, room - paid)
            given[play.listener, day] = given.get((play.listener, day), 0) + paid + bonus
            given_for_content[key] = given_for_content.get(key, 0) + paid + bonus
            out.append(Award(play, paid, bonus, points + discovery - paid - bonus))
        return out


def _rules(raw: Any, base: Mapping[str, Any]) -> PointsRules:
    names = {spec.name for spec in fields(PointsRules)}
    if not isinstance(raw, Mapping) or not set(raw) <= names:
        raise InputError("message.schema", field="rewards", reason=f"known are {', '.join(sorted(names))}")
    return PointsRules(**{**base, **raw})
