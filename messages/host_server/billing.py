"""Requests of a host about money: statements, vouchers, receipts and proofs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from messages.fields import Acknowledgements, Address, AgreedLines, Hash, Number, Numbers
from messages.host_server.request import Request
from messages.signed import SignedVoucher


class Owed(Request, tag="statement"):
    """Asks for the statement of the listener of one of this device's sessions.

    ``disputed``: ticket numbers that the listener does not agree to.
    """

    session: Hash
    disputed: Numbers = field(default_factory=list)


class Pay(Request, tag="voucher"):
    """Hands in the listener's voucher for its statement.

    ``lines``: [ticket number, whole intervals] that it agreed to; None: the whole statement.
    """

    voucher: SignedVoucher
    lines: AgreedLines | None = None


class Books(Request, tag="books"):
    """Resynchronises the listener of one of this device's sessions."""

    session: Hash
    voucher: SignedVoucher | None = None
    settled: Acknowledgements = field(default_factory=list)


class ReceiptsRequest(Request, tag="receipts"):
    """Asks for receipts of these payees that sessions of this device earned, from an epoch on."""

    payees: Annotated[list[Address], Meta(max_length=1024)]
    since_epoch: Number = 0


class LeafRequest(Request, tag="leaf"):
    """Asks for a payee's leaf of an epoch with its proof."""

    epoch: Number
    payee: Address


class UsageRequest(Request, tag="usage"):
    """Asks for a listener's counters of a content in an epoch with their proofs."""

    epoch: Number
    session: Hash
    content: Address
