"""A payer's escrow with this server on the chain."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Money:
    """A payer's escrow with this server on the chain, and the commission that applies.

    Attributes:
        escrow: Deposited and not debited, wei.
        requested: Of that, claimed by withdrawal requests, wei.
        spent: Cumulative gross that was debited, wei.
        bps: Commission of the running epoch, basis points.
    """

    escrow: int
    requested: int
    spent: int
    bps: int

    @property
    def free(self) -> int:
        """Escrow that no withdrawal request has claimed."""
        return max(0, self.escrow - self.requested)
