"""Epochs: one clock for all servers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Lengths in seconds; ``grace + window + answer <= length``. Times are Unix seconds of the chain's clock."""

    length: int
    grace: int
    window: int
    answer: int
    late: int
    delay: int

    def __post_init__(self) -> None:
        if min(self.length, self.window) < 1 or self.grace + self.window + self.answer > self.length:
            raise ValueError("grace + window + answer must fit into the length")

    def epoch_of(self, time_s: int) -> int:
        """The epoch that runs at a time."""
        return time_s // self.length

    def ends(self, epoch: int) -> int:
        """The first second after the epoch."""
        return (epoch + 1) * self.length

    def post_from(self, epoch: int) -> int:
        """When the epoch can be posted first."""
        return self.ends(epoch)

    def post_until(self, epoch: int) -> int:
        """When it can be posted last."""
        return self.ends(epoch) + self.length

    def due(self, epoch: int) -> int:
        """When it is final if it is posted within the grace time."""
        return self.ends(epoch) + self.grace + self.window
