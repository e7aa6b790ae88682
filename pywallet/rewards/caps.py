"""Cap of a listener's token rewards at one station in a day, and the part reserved for bands new to the listener."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pywallet.encoding.amounts import parse
from pywallet.errors import InputError


@dataclass(frozen=True)
class TokenCap:
    """Cap of a listener's rewards. A ticket above it has a reward of zero: only the band is paid.

    Attributes:
        per_day: Wei of one listener and day (UTC); None: no cap.
        discovery_percent: Part of it that is earned only by plays of bands for which the listener was not paid before.
    """

    per_day: int | None = None
    discovery_percent: int = 0

    def __post_init__(self) -> None:
        percent = self.discovery_percent
        if type(percent) is not int or not 0 <= percent <= 100 or (self.per_day is not None and self.per_day < 0):
            raise InputError("message.schema", field="rewards.tokens")

    @classmethod
    def from_dict(cls, raw: Any) -> TokenCap:
        """Parse the TOML table ``[rewards.tokens]``: ``per_day`` in GoMAA as text, ``discovery_percent``.

        Raises:
            InputError: ``message.schema``.
        """
        if not isinstance(raw, Mapping) or not set(raw) <= {"per_day", "discovery_percent"}:
            raise InputError("message.schema", field="rewards.tokens", reason="known are per_day, discovery_percent")
        per_day = raw.get("per_day")
        if per_day is not None and not isinstance(per_day, str):
            raise InputError("message.schema", field="rewards.tokens.per_day", reason="an amount as text")
        return cls(None if per_day is None else parse(per_day), raw.get("discovery_percent", 0))

    def allows(self, earned: int, paid_before: bool) -> bool:
        """True if one more play earns a reward.

        Args:
            earned: The listener's rewards so far today, wei.
            paid_before: True if the listener was paid for a play of this band before.
        """
        if self.per_day is None:
            return True
        return earned < (self.per_day * (100 - self.discovery_percent) // 100 if paid_before else self.per_day)
