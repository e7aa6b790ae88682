"""The plays that make up a receipt's amount."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from native_host.ledger import ReceiptRow


@dataclass(frozen=True)
class Play:
    """The play of one ticket.

    Attributes:
        server: Address of the server, 20 bytes.
        payee: Address of the payee, 20 bytes.
        content: Address of the content, 20 bytes.
        ticket: Digest of the ticket, 32 bytes.
        time_s: Begin of the play, Unix seconds.
        heard_ms: Time heard.
        interval_s: Length of a paid interval.
        reward: Reward of an interval, wei.
    """

    server: bytes
    payee: bytes
    content: bytes
    ticket: bytes
    time_s: int
    heard_ms: int
    interval_s: int
    reward: int

    @property
    def amount(self) -> int:
        """Amount that the play earned, wei; one or more receipts pay it."""
        return self.heard_ms // (self.interval_s * 1000) * self.reward


@dataclass(frozen=True)
class Part:
    """A play's part of a receipt.

    Attributes:
        play: The play; None: one of another computer with the same payee.
        amount: Amount, wei.
    """

    play: Play | None
    amount: int


def parts(receipts: Iterable[ReceiptRow], plays: Sequence[Play]) -> dict[tuple[bytes, int, bytes], list[Part]]:
    """Divide every receipt among the plays; the parts add up to the receipt's amount, to the wei.

    A server settles a payee's intervals in the order they were played, so the oldest receipt is filled from the oldest
    plays.

    Args:
        receipts: Receipts of any servers and payees.
        plays: Plays in the order played.

    Returns:
        Parts by (server, epoch, payee).
    """
    left: dict[tuple[bytes, bytes], list[tuple[Play, int]]] = {}
    for play in plays:
        if play.amount:
            left.setdefault((play.server, play.payee), []).append((play, play.amount))
    out: dict[tuple[bytes, int, bytes], list[Part]] = {}
    for row in sorted(receipts, key=lambda row: row.epoch):
        queue, missing, filled = left.get((row.server, row.payee), []), row.amount_wei, []
        while missing and queue:
            play, available = queue.pop(0)
            taken = min(missing, available)
            filled.append(Part(play, taken))
            missing -= taken
            if available > taken:
                queue.insert(0, (play, available - taken))
        out[(row.server, row.epoch, row.payee)] = [*filled, *([Part(None, missing)] if missing else [])]
    return out
