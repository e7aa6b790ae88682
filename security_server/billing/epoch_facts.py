"""Facts that a statement or a settlement depends on beside the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pywallet.protocol import Domain
from security_server.billing.accounts import AccountBase
from security_server.billing.fair_slots import EpochBounds
from security_server.chain.money import Money


@dataclass(frozen=True)
class EpochFacts:
    """State of the running epoch, the payer's escrow and the server's bond.

    Attributes:
        domain: The settlement's EIP-712 domain.
        server: This server's address, 20 bytes.
        signing: Its private key, 32 bytes.
        epoch: The epoch that runs inside the transaction.
        now_s: The server's clock, Unix seconds.
        money: The payer's escrow; its ``bps`` is the commission of ``epoch``.
        bond: The bond that backs receipts, wei; 0 while the server retires.
        owners: Owner of each content in ``epoch`` by its contract; lines of other contents wait. None: the owner that
            the header names.
        slots: Bounds of an epoch.
        reread_for: See ``account``.
    """

    domain: Domain
    server: bytes
    signing: bytes
    epoch: int
    now_s: int
    money: Money
    bond: int
    owners: Mapping[bytes, bytes] | None = None
    slots: EpochBounds = field(default_factory=EpochBounds)
    reread_for: AccountBase | None = None
