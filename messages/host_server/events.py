"""Events of a security server for a host."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from messages.fields import Address, Number
from messages.settlement import ReceiptDetail
from messages.signed import SignedReceipt


class ReceiptEvent(Struct, frozen=True, tag_field="event", tag="receipt"):
    """A new receipt, for the devices of the listener whose session it is about.

    Attributes:
        receipt: Signed ``Receipt``.
        detail: The values under its ``detail`` hash.
    """

    receipt: SignedReceipt
    detail: ReceiptDetail


class RevokedEvent(Struct, frozen=True, tag_field="event", tag="revoked"):
    """A content was revoked or destroyed on the chain; the server has deleted its keys.

    Attributes:
        content: The content's address.
    """

    content: Address


class EpochEvent(Struct, frozen=True, tag_field="event", tag="epoch"):
    """A new state of an epoch on the chain.

    Attributes:
        epoch: Number of the epoch.
        state: ``posted`` or ``final``.
    """

    epoch: Number
    state: Literal["posted", "final"]


class DrainingEvent(Struct, frozen=True, tag_field="event", tag="draining"):
    """This process of the server ends: the host finishes its requests that wait for an answer, and connects again."""


ServerEvent = ReceiptEvent | RevokedEvent | EpochEvent | DrainingEvent
