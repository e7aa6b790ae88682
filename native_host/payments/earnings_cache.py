"""What this process has seen of a wallet's earnings on the chain, so that it does not ask about everything at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from native_host.ledger.payee_store import Key

Where = tuple[bytes, int, int]
"""Server, epoch and chain id."""


@dataclass(frozen=True)
class Standing:
    """Where an epoch of a server is: posted or not, final or not, and when its money is due."""

    posted: bool
    final: bool
    due_s: int


@dataclass
class Looks:
    """How far looks at the chain have come, as long as this process runs."""

    epochs: dict[Where, Standing] = field(default_factory=dict)
    """What was asked about and is not final."""
    unsettled: dict[bytes, tuple[int, bytes, int]] = field(default_factory=dict)
    """By wallet: epoch, server and chain id that were asked about last."""
    claims: dict[bytes, Key] = field(default_factory=dict)
    """By wallet: the receipt that was looked for last."""
