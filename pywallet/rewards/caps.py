"""How many tokens a listener earns at one station in a day, and what of it is kept for bands that are new to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pywallet.encoding.amounts import parse
from pywallet.errors import InputError


@dataclass(frozen=True)
class TokenCap:
    """``per_day`` wei of one listener and day (UTC), or None: no cap.

    ``discovery_percent`` of it is earned by plays of bands only that the listener has not been paid for before.
    A ticket over the cap has a reward of zero: the play costs the station the band's price, and is heard.
    """

    per_day: int | None = None
    discovery_percent: int = 0

    def __post_init__(self) -> None:
        percent = self.discovery_percent
        if type(percent) is not int or not 0 <= percent <= 100 or (self.per_day is not None and self.per_day < 0):
            raise InputError("message.schema", field="rewards.tokens")

    @classmethod
    def from_dict(cls, raw: Any) -> TokenCap:
        """From TOML ``[rewards.tokens]``: ``per_day`` in GoMAA as text, ``discovery_percent``.

        Raises InputError message.schema.
        """
        if not isinstance(raw, Mapping) or not set(raw) <= {"per_day", "discovery_percent"}:
            raise InputError("message.schema", field="rewards.tokens", reason="known are per_day, discovery_percent")
        per_day = raw.get("per_day")
        if per_day is not None and not isinstance(per_day, str):
            raise InputError("message.schema", field="rewards.tokens.per_day", reason="an amount as text")
        return cls(None if per_day is None else parse(per_day), raw.get("discovery_percent", 0))

    def allows(self, earned: int, known: bool) -> bool:
        """Whether one more play earns, after ``earned`` wei today.

        ``known``: the listener was paid for this band before.
        """
        if self.per_day is None:
            return True
        return earned < (self.per_day * (100 - self.discovery_percent) // 100 if known else self.per_day)
