"""This station's part of an epoch's published data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pywallet.settlement import gross


@dataclass(frozen=True, slots=True)
class PostedLine:
    """Plays of one content under one price and reward.

    Attributes:
        content: The content's address, 20 bytes.
        owner: Its owner in the epoch, 20 bytes.
        price: Paid to the owner for each interval, wei.
        reward: Paid to the listener for each interval, wei.
        interval_s: Length of an interval, s; 0 for refused plays.
        intervals: Intervals that the station pays.
        plays: Plays, without refused ones.
        refused: Refused plays, which cost nothing.
        seeks: Seeks.
        heard_s: Heard time, s.
    """

    content: bytes
    owner: bytes
    price: int
    reward: int
    interval_s: int
    intervals: int
    plays: int
    refused: int
    seeks: int
    heard_s: int

    @property
    def owner_wei(self) -> int:
        """Payment of the station to the owner, wei."""
        return self.intervals * self.price

    @property
    def reward_wei(self) -> int:
        """Payment of the station to listeners, wei."""
        return self.intervals * self.reward


@dataclass(frozen=True, slots=True)
class PostedEpoch:
    """A station's part of one epoch of one server.

    Attributes:
        server: The server's address, 20 bytes.
        epoch: The epoch.
        bps: Its commission, basis points.
        data_hash: Hash of the published data, 32 bytes.
        lines: By content and terms, in that order.
        passages: By content and stretch (units of ``SEGMENT_S``), the listeners at all stations.
    """

    server: bytes
    epoch: int
    bps: int
    data_hash: bytes
    lines: tuple[PostedLine, ...]
    passages: Mapping[tuple[bytes, int], int]

    @property
    def net(self) -> int:
        """Debit before commission, wei."""
        return sum(line.owner_wei + line.reward_wei for line in self.lines)

    @property
    def gross(self) -> int:
        """Debit with commission, wei."""
        return gross(self.net, self.bps)
