"""Operations of a host about a server's relayer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from messages.fields import Address, Hash, SignatureText
from messages.host_server.request import Request
from messages.signed import SignedClaim, SignedSweep

RelayerState = Annotated[str, Meta(pattern=r"^[a-z]{1,16}$")]
"""State of the relayer's account: ``ok``, ``low`` (balance), ``spent`` (budget) or ``unknown``."""


class ClaimRequest(Request, tag="claim"):
    """Hands in signed claims, all to one address, for the relayer.

    A mixed claim is accepted as soon as there is a receipt, held until its epoch is final and ``after_s`` is over,
    then until its round (settings ``relay_mix_s``, ``relay_mix_most``), and sent in random order with those of
    others. The same request again returns its state. ``claim.done`` where the leaf was paid elsewhere.

    Attributes:
        claims: Signed ``Claim`` each.
        mixed: True if the one claim is held and sent among those of others.
        after_s: Time before which a mixed claim is not sent, Unix seconds, at most 14 days ahead.
    """

    claims: Annotated[list[SignedClaim], Meta(min_length=1, max_length=32)]
    mixed: bool = False
    after_s: Annotated[int, Meta(ge=0, le=1 << 40)] = 0


class RelayerRequest(Request, tag="relayer"):
    """Asks for the address that a payee's permit has to name; refused where the sweep would be.

    Refused before a permit is signed: ``claim.unknown``, ``claim.small``, ``claim.busy``.

    Attributes:
        payee: Address of the payee.
        amount: Amount of the sweep, wei.
    """

    payee: Address
    amount: Annotated[str, Meta(pattern=r"^[0-9]{1,39}$")]


class RelayerResult(Struct, frozen=True):
    """The relayer's account.

    Attributes:
        relayer: Address that the permit has to name.
        state: As ``relayer`` of ``GET /v1/info``.
    """

    relayer: Address
    state: RelayerState


class SweepRequest(Request, tag="sweep"):
    """Hands in a payee's order to transfer tokens from its own address.

    Refused before anything is sent: ``claim.signature`` (order or permit of another signer, spender, amount, number
    or deadline; a deadline more than an hour ahead), ``claim.unknown`` (no receipt of this server names the payee),
    ``claim.done`` (less lies there), ``claim.small``, ``claim.busy``.

    Attributes:
        sweep: Signed ``Sweep``.
        permit: The payee's signature of a permit (EIP-2612) for the relayer.
    """

    sweep: SignedSweep
    permit: SignatureText


class SweepResult(Struct, frozen=True):
    """The transaction of a sweep.

    Attributes:
        transaction: Its hash; it is in a block.
    """

    transaction: Hash
