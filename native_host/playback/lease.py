"""Keys held ahead of time: a window of the song, a budget of actions, an end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pywallet.errors import Refusal


@dataclass
class Lease:
    """What the server let this host give out by itself. Keys live in memory only."""

    first: int
    count: int
    expires_s: int
    budget: int
    keys: dict[int, bytes] = field(repr=False)

    def refusal(self, now_s: int) -> Refusal | None:
        """Why nothing may come from this lease any more."""
        if now_s >= self.expires_s:
            return Refusal("lease.expired", expires_s=self.expires_s)
        return Refusal("lease.exhausted") if self.budget < 1 else None

    def cover(self, first: int, count: int) -> list[int]:
        """The unbroken run of wanted segments from ``first`` on whose keys are here."""
        run = []
        for index in range(first, first + count):
            if index not in self.keys:
                break
            run.append(index)
        return run

    def ends_at(self, index: int) -> int:
        """The first segment from ``index`` on whose key is missing."""
        while index in self.keys:
            index += 1
        return index

    def extend(self, first: int, expires_s: int, budget: int, keys: Mapping[int, bytes]) -> None:
        """A renewal: more keys, a later end, a fresh budget."""
        self.keys.update(keys)
        self.first = min(self.keys, default=first)
        self.count = len(self.keys)
        self.expires_s = expires_s
        self.budget = budget

    def shred(self) -> None:
        """Forget every key."""
        self.keys.clear()
        self.budget = 0
        self.count = 0
