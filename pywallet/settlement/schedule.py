"""Schedule of epochs, the same for all servers, and the networks on which it can be kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pywallet.errors import InputError

PARTS: Final = 2
"""Most transactions in which an epoch is posted within its grace period, of 256 payers each."""

BATCHES: Final = 2
"""Transactions of answers, one per block, that the answer period must allow."""

ANSWERS_A_BATCH: Final = 32
"""Most challenges that one transaction answers; the contract's limit."""

ANSWER_GAS: Final = 90_000
"""Gas of one challenge answered alone; in a batch about half of that."""


@dataclass(frozen=True)
class Schedule:
    """Periods of an epoch, seconds; ``grace + window + answer <= length``. Times are Unix seconds of the chain's clock.

    Attributes:
        length: Of an epoch.
        grace: After the end, for posting.
        window: After a post, in which a challenge delays finality.
        answer: To answer a challenge.
        late: After the grace period, in which an epoch can be challenged.
        delay: Between the request and the withdrawal of escrow.
    """

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
        """The epoch of a time."""
        return time_s // self.length

    def ends(self, epoch: int) -> int:
        """End of the epoch: the first second after it."""
        return (epoch + 1) * self.length

    def post_from(self, epoch: int) -> int:
        """First second in which the epoch can be posted."""
        return self.ends(epoch)

    def post_until(self, epoch: int) -> int:
        """Last second in which the epoch can be posted."""
        return self.ends(epoch) + self.length

    def due(self, epoch: int) -> int:
        """Time at which the epoch is final if it is posted within the grace period."""
        return self.ends(epoch) + self.grace + self.window

    def minimum(self, block_time_s: int, confirmations: int) -> dict[str, int]:
        """Shortest periods that honest parties need on a network.

        A transaction is in the block after the one in which it is sent, and is confirmed when that block is
        ``confirmations`` deep, as is an event.

        Args:
            block_time_s: Seconds between blocks.
            confirmations: Blocks, including the transaction's own.

        Returns:
            Seconds: ``grace`` (see the end of the epoch, send ``PARTS`` transactions one after the other, confirm the
            last), ``window`` (confirm the post, challenge, confirm the challenge), ``answer`` (confirm the challenge,
            send ``BATCHES`` transactions, confirm the last), and ``length``, their sum.
        """
        blocks = {
            "grace": PARTS + confirmations,
            "window": 2 * confirmations + 1,
            "answer": 2 * confirmations + BATCHES,
        }
        periods = {name: count * block_time_s for name, count in blocks.items()}
        return {**periods, "length": sum(periods.values())}

    def require(self, block_time_s: int, confirmations: int) -> None:
        """Check that a network is fast enough for these periods.

        Args:
            block_time_s: Seconds from one block to the next.
            confirmations: Blocks until a transaction is confirmed.

        Raises:
            InputError: ``chain.schedule`` with the ``name`` of a period, its ``seconds`` and the shortest, ``least_s``.
        """
        for name, least_s in self.minimum(block_time_s, confirmations).items():
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
        """True if a network is fast enough for these periods."""
        return all(
            getattr(self, name) >= least_s for name, least_s in self.minimum(block_time_s, confirmations).items()
        )

    def answerable(self, block_time_s: int, confirmations: int) -> int:
        """Number of challenges in one block that can be answered in time with one transaction per block."""
        blocks = self.answer // block_time_s - 2 * confirmations
        return max(0, blocks) * ANSWERS_A_BATCH
