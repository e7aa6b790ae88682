"""Requests about a wallet's rewards and listening money."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from messages.fields import Address, Index, Number, Text, Wei
from messages.signed import SignedClaim, SignedSweep


class Summary(Struct):
    """What the popup shows.

    ``account``: whose balance; ``wallet``: the first account of its words, which names its payees (``payees``);
    ``since_s``: when today began for the person; ``chain_id``: network of the balance, by default the first.
    """

    account: Address | None = None
    wallet: Address | None = None
    since_s: Number = 0
    chain_id: Number | None = None


class Payee(Struct):
    """The payee of a wallet's session ``number`` at a station; ``name``: the station's."""

    payee: Address
    station: Address
    number: Index
    chain_id: Number
    settlement: Address
    name: Text = ""


class Payees(Struct):
    """Payees of a wallet, to be recorded on this computer."""

    wallet: Address
    payees: Annotated[list[Payee], Meta(max_length=512)]


class ReceiptKey(Struct):
    """Primary key of a receipt."""

    epoch: Number
    server: Address
    payee: Address
    chain_id: Number = 0


class Earnings(Struct):
    """A page of a wallet's receipts, newest epoch first. ``after``: the last one of the page before."""

    wallet: Address
    after: ReceiptKey | None = None
    limit: Annotated[int, Meta(ge=1, le=256)] = 100
    state: Literal["open", "claimable", "claimed"] | None = None


class Candidates(Struct):
    """The 24 payees that a wallet would have had at a station on a day (since 1970), 20 bytes each, in base64."""

    station: Address
    day: Index
    payees: Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{640}$")]


class Scan(Struct):
    """One step of a wallet's recovery scan. ``fresh``: its words are new, so there are no rewards before now."""

    wallet: Address
    chain_id: Number
    fresh: bool = False
    candidates: Annotated[list[Candidates], Meta(max_length=64)] = []


class ReceiptBreakdown(Struct):
    """The plays that make up a receipt's amount (op ``origin``). ``wallet``: whose payee it is."""

    server: Address
    epoch: Number
    payee: Address
    wallet: Address | None = None


class Escrow(Struct):
    """Escrow of this computer's listeners. ``wallet``: only of its listener keys."""

    wallet: Address | None = None


class Relayer(Struct):
    """Find the server whose relayer moves the tokens of a payee, for an account without coins."""

    chain_id: Number
    payee: Address
    amount_wei: Wei


class Sweep(Struct):
    """A payee's order and permit for the relayer of a server."""

    server: Address
    sweep: SignedSweep
    permit: Annotated[str, Meta(pattern=r"^0x[0-9a-f]{130}$")]


class Leaf(Struct):
    """Prove a payee's amount in an epoch."""

    server: Address
    epoch: Number
    payee: Address


class Claim(Struct):
    """Signed claims for the relayer.

    ``mixed``: one claim, which the relayer holds and sends among those of others, not before ``after_s`` (Unix
    seconds).
    """

    claims: Annotated[list[SignedClaim], Meta(min_length=1, max_length=32)]
    mixed: bool = False
    after_s: Annotated[int, Meta(ge=0, le=1 << 40)] = 0


class VerifyCounts(Struct):
    """Prove a content's counts in an epoch."""

    server: Address
    epoch: Number
    content: Address
