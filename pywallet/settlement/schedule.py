"""Epochs: one clock for all servers, and the networks on which an honest server can keep to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pywallet.errors import InputError

PARTS: Final = 2
"""Transactions in which an epoch is posted within its grace time: 256 payers each."""

BATCHES: Final = 2
"""Transactions of answers, one a block, for which the time to answer must do."""

ANSWERS_A_BATCH: Final = 32
"""Challenges that one transaction answers; the contract's bound."""

ANSWER_GAS: Final = 90_000
"""Gas of one challenge answered alone, the dearest way; in a batch it is half of that."""


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

    def least(self, block_time_s: int, confirmations: int) -> dict[str, int]:
        """How long the times of an epoch must be for honest parties on a network.

        A transaction is in the block after the one in which it is sent, and
        trusted when that is ``confirmations`` deep, as is an event.

        Args:
            block_time_s: Seconds from one block to the next.
            confirmations: Blocks, the transaction's own included.

        Returns:
            Seconds: ``grace`` (see the end of the epoch, send ``PARTS`` transactions one after the other, trust the
                last), ``window``
            (trust the post, challenge, trust the challenge), ``answer`` (trust the challenge, send ``BATCHES``
            transactions, trust the last), and the ``length`` that holds these three.
        """
        blocks = {
            "grace": PARTS + confirmations,
            "window": 2 * confirmations + 1,
            "answer": 2 * confirmations + BATCHES,
        }
        least = {name: count * block_time_s for name, count in blocks.items()}
        return {**least, "length": sum(least.values())}

    def require(self, block_time_s: int, confirmations: int) -> None:
        """Refuse a network that is too slow for these times.

        Args:
            block_time_s: Seconds from one block to the next.
            confirmations: Blocks until a transaction is trusted.

        Raises:
            InputError: ``chain.schedule`` naming the time (``name``), its ``seconds`` and the ``least_s`` that it
                takes.
        """
        for name, least_s in self.least(block_time_s, confirmations).items():
            seconds: int = getattr(self, name)
            if seconds < least_s:
                raise InputError(
                    "chain.schedule",
                    name=name,
                    seconds=seconds,
                    least_s=least_s,
                    block_time=block_time_s,
                    confirmations=confirmations,
                )

    def fits(self, block_time_s: int, confirmations: int) -> bool:
        """Whether ``require`` lets a network pass."""
        return all(getattr(self, name) >= least_s for name, least_s in self.least(block_time_s, confirmations).items())

    def answers(self, block_time_s: int, confirmations: int) -> int:
        """Challenges of one block that can be answered in time with one transaction a block.

        A server that sends more has more.
        """
        blocks = self.answer // block_time_s - 2 * confirmations
        return max(0, blocks) * ANSWERS_A_BATCH
