"""Requests of a host to a server's relayer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from messages.fields import Address, SignatureText
from messages.host_server.request import Request
from messages.signed import SignedClaim, SignedSweep


class ClaimRequest(Request, tag="claim"):
    """Signed claims, all to one address, for the relayer.

    ``mixed``: one claim, held and sent among those of others, not before ``after_s`` (Unix seconds).
    """

    claims: Annotated[list[SignedClaim], Meta(min_length=1, max_length=32)]
    mixed: bool = False
    after_s: Annotated[int, Meta(ge=0, le=1 << 40)] = 0


class RelayerRequest(Request, tag="relayer"):
    """Asks for the address that a payee's permit has to name; refused where the sweep would be."""

    payee: Address
    amount: Annotated[str, Meta(pattern=r"^[0-9]{1,39}$")]


class SweepRequest(Request, tag="sweep"):
    """A payee's order to transfer tokens from its own address, and its permit (EIP-2612) for the relayer."""

    sweep: SignedSweep
    permit: SignatureText
