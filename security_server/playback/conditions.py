"""Input of an invocation's decision beside the database."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pywallet.protocol import Action, Invocation
from security_server.chain.money import Money


@dataclass(frozen=True)
class VerifiedInvocation:
    """An invocation with the verified signature of its device.

    Attributes:
        id: EIP-712 digest, 32 bytes.
        message: The invocation.
        signature: The device's, 65 bytes.
        device: Address of the device, 20 bytes.
    """

    id: bytes
    message: Invocation
    signature: bytes
    device: bytes

    @cached_property
    def action(self) -> str:
        """The policy's name of the action."""
        return Action(self.message.action).word


@dataclass(frozen=True)
class Conditions:
    """State of chain and clock, and the server's settings, for one decision.

    Attributes:
        time_ms: The server's clock, Unix milliseconds.
        epoch: The running epoch.
        domain: The station's domain; None: not registered.
        revoked: True if the content is revoked.
        destroyed: True if the content is destroyed.
        money: The payer's escrow; None for a free play.
        territory: ISO 3166-1 code of the station's listeners, or None.
        purpose: Purpose of the station, or None.
        listener_credit: Intervals without a voucher that a paying listener may have.
        credit_plays: Plays without a voucher that a station may have for any time.
        credit_s: Seconds for which it may have any number of them.
        least_wei: Least gross of a voucher, wei.
    """

    time_ms: int
    epoch: int
    domain: str | None
    revoked: bool
    destroyed: bool
    money: Money | None
    territory: str | None = None
    purpose: str | None = None
    listener_credit: int = 2
    credit_plays: int = 200
    credit_s: int = 60
    least_wei: int = 0
