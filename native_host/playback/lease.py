"""Lease: segment keys held in advance, with an expiry and a budget of actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pywallet.errors import Refusal


@dataclass
class Lease:
    """Keys that this host may release without a request to the server. They are held in memory only.

    Attributes:
        first: Index of the first segment whose key is held.
        count: Number of keys held.
        expires_s: End, Unix seconds.
        budget: Actions that may still get keys.
        keys: Segment index to AES-256 key.
    """

    first: int
    count: int
    expires_s: int
    budget: int
    keys: dict[int, bytes] = field(repr=False)

    def refusal(self, now_s: int) -> Refusal | None:
        """The refusal of an expired or exhausted lease, or None."""
        if now_s >= self.expires_s:
            return Refusal("lease.expired", expires_s=self.expires_s)
        return Refusal("lease.exhausted") if self.budget < 1 else None

    def cover(self, first: int, count: int) -> list[int]:
        """The contiguous wanted segments from ``first`` on whose keys are held."""
        run = []
        for index in range(first, first + count):
            if index not in self.keys:
                break
            run.append(index)
        return run

    def ends_at(self, index: int) -> int:
        """The first segment from ``index`` on whose key is not held."""
        while index in self.keys:
            index += 1
        return index

    def extend(self, first: int, expires_s: int, budget: int, keys: Mapping[int, bytes]) -> None:
        """Add a renewal: more keys, a later end, a new budget."""
        self.keys.update(keys)
        self.first = min(self.keys, default=first)
        self.count = len(self.keys)
        self.expires_s = expires_s
        self.budget = budget

    def discard(self) -> None:
        """Delete every key."""
        self.keys.clear()
        self.budget = 0
        self.count = 0
