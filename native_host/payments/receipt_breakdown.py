"""Which plays a receipt's amount is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from native_host.ledger import ReceiptRow


@dataclass(frozen=True)
class Play:
    """One ticket heard: what it earned, ``amount`` in wei, of which later receipts may pay the rest."""

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
        """Full intervals heard, each at its reward."""
        return self.heard_ms // (self.interval_s * 1000) * self.reward


@dataclass(frozen=True)
class Part:
    """So many wei of a receipt come from one play.

    ``play`` None: from a play of another computer with the same payee.
    """

    play: Play | None
    amount: int


def parts(receipts: Iterable[ReceiptRow], plays: Sequence[Play]) -> dict[tuple[bytes, int, bytes], list[Part]]:
    """The parts of every receipt, by (server, epoch, payee); their sum is the receipt's amount, to the wei.

    A server settles a payee's intervals in the order they were heard, so the
    oldest receipt is filled from the oldest plays. ``plays`` in the order heard.
    """
    left: dict[tuple[bytes, bytes], list[tuple[Play, int]]] = {}
    for play in plays:
        if play.amount:
            left.setdefault((play.server, play.payee), []).append((play, play.amount))
    out: dict[tuple[bytes, int, bytes], list[Part]] = {}
    for row in sorted(receipts, key=lambda row: row.epoch):
        queue, wanted, found = left.get((row.server, row.payee), []), row.amount_wei, []
        while wanted and queue:
            play, there = queue.pop(0)
            taken = min(wanted, there)
            found.append(Part(play, taken))
            wanted -= taken
            if there > taken:
                queue.insert(0, (play, there - taken))
        out[(row.server, row.epoch, row.payee)] = [*found, *([Part(None, wanted)] if wanted else [])]
    return out
