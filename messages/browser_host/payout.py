"""Messages that prove, claim and sweep a wallet's rewards."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from messages.fields import Address, Hash, Number, SignatureText, Wei
from messages.signed import SignedClaim, SignedSweep


class Leaf(Struct, frozen=True):
    """Fetches a payee's leaf of an epoch, and verifies its proof against the chain.

    Attributes:
        server: Address of the security server.
        epoch: Number of the epoch.
        payee: Address of the payee.
    """

    server: Address
    epoch: Number
    payee: Address


class LeafResult(Struct, frozen=True):
    """The verified leaf.

    Attributes:
        amount_wei: Amount of the leaf.
        index: Index of the leaf in the epoch's tree.
        depth: Number of nodes in the proof.
        final: True if the epoch is final.
        verified: Always true: another leaf is the error ``chain.mismatch``.
    """

    amount_wei: Wei
    index: Number
    depth: Number
    final: bool
    verified: bool


class Claim(Struct, frozen=True):
    """Sends signed claims to the relayer of a server, and waits for their transaction.

    Attributes:
        claims: ``Claim`` messages, each signed by its payee; all name the same server, recipient and tip.
        mixed: True: the relayer holds the claim, which is the only one, and sends it among those of others.
        after_s: Earliest time of a mixed claim's transaction, Unix seconds.
    """

    claims: Annotated[list[SignedClaim], Meta(min_length=1, max_length=32)]
    mixed: bool = False
    after_s: Annotated[int, Meta(ge=0, le=1 << 40)] = 0


class ClaimResult(Struct, frozen=True):
    """The transaction of the claims.

    Attributes:
        transaction: Hash of the transaction; null: a mixed claim that is not sent yet. The same request again returns
            its state.
        to: Recipient; absent while the claim is held.
        amount_wei: Amount paid according to the chain; absent while the claim is held.
        due_s: Latest time at which the relayer sends the claim, Unix seconds; absent once it is sent.
    """

    transaction: Hash | None
    to: Address | UnsetType = UNSET
    amount_wei: Wei | UnsetType = UNSET
    due_s: Number | UnsetType = UNSET


class VerifyCounts(Struct, frozen=True):
    """Fetches a content's counts in an epoch, and verifies their proofs against the posted counts root.

    Attributes:
        server: Address of the security server.
        epoch: Number of the epoch.
        content: Address of the content.
    """

    server: Address
    epoch: Number
    content: Address


class ContentCounts(Struct, frozen=True):
    """Counts of all listeners of a content in an epoch.

    Attributes:
        plays: Plays.
        seeks: Seeks.
        seconds: Seconds heard.
        unvalidated: Plays that were not validated.
    """

    plays: Number
    seeks: Number
    seconds: Number
    unvalidated: Number


class VerifyCountsResult(Struct, frozen=True):
    """The verified counts.

    Attributes:
        plays: Plays of this listener.
        seeks: Seeks of this listener.
        seconds: Seconds heard by this listener.
        content: Counts of all listeners.
        final: True if the epoch is final.
        verified: Always true: other counts are the error ``chain.mismatch``.
    """

    plays: Number
    seeks: Number
    seconds: Number
    content: ContentCounts
    final: bool
    verified: bool


class Holdings(Struct, frozen=True):
    """Reads the token balances of payees' own addresses from the network's node.

    Attributes:
        chain_id: Network of the balances.
        account: Account that would take the tokens.
        payees: Payees to read, 256 at most; empty: a page of the wallet's.
        wallet: First account of the wallet whose payees are read; null: only ``payees``.
        after: ``next`` of the page before; null: the first page.
    """

    chain_id: Number
    account: Address
    payees: Annotated[list[Address], Meta(max_length=256)] = []
    wallet: Address | None = None
    after: Address | None = None


class Holding(Struct, frozen=True):
    """Tokens at a payee's own address. The last four fields are present for a payee of the wallet.

    Attributes:
        payee: Address of the payee.
        amount_wei: Its tokens.
        nonce: Nonce of its next permit (EIP-2612).
        allowed_wei: Amount that the account may take already.
        station: Address of the station.
        number: Number of the session, from which the payee is derived.
        name: Name of the station.
        owed_wei: Rewards among its tokens.
    """

    payee: Address
    amount_wei: Wei
    nonce: Number
    allowed_wei: Wei
    station: Address | UnsetType = UNSET
    number: Number | UnsetType = UNSET
    name: str | UnsetType = UNSET
    owed_wei: Wei | UnsetType = UNSET


class HoldingsResult(Struct, frozen=True):
    """Payees that hold tokens.

    Attributes:
        token: Address of the token contract.
        settlement: Address of the settlement contract.
        now_s: Trusted time, Unix seconds.
        each_wei: Most that a permit and a transfer may cost now, in the network's coin.
        coin_wei: The account's balance of the network's coin.
        holdings: Payees with tokens, in the order they were read.
        next: ``after`` of the wallet's next page; null at the end.
        asked: Number of payees that were read.
    """

    token: Address
    settlement: Address
    now_s: Number
    each_wei: Wei
    coin_wei: Wei
    holdings: list[Holding]
    next: Address | None
    asked: Number


class Relayer(Struct, frozen=True):
    """Finds the relayer that moves the tokens of a payee, for an account without coin.

    ``claim.unknown`` where no server has paid this payee; otherwise refused as that server would refuse the sweep.

    Attributes:
        chain_id: Network of the tokens.
        payee: Address of the payee.
        amount_wei: Amount to move.
    """

    chain_id: Number
    payee: Address
    amount_wei: Wei


class RelayerResult(Struct, frozen=True):
    """The relayer of a server that has paid this payee.

    Attributes:
        server: Address of the security server.
        relayer: Address that the payee's permit has to name.
        now_s: Clock of the server, Unix seconds, for the permit's deadline.
    """

    server: Address
    relayer: Address
    now_s: Number


class Sweep(Struct, frozen=True):
    """Sends a payee's order and permit to the relayer of a server, and waits for the transfer.

    ``chain.mismatch`` where the transaction moved the tokens to another address.

    Attributes:
        server: Address of the security server.
        sweep: The ``Sweep``, signed by the payee.
        permit: The payee's signature of the token's permit (EIP-2612) for the relayer.
    """

    server: Address
    sweep: SignedSweep
    permit: SignatureText


class SweepResult(Struct, frozen=True):
    """The transfer, verified on the chain.

    Attributes:
        transaction: Hash of the transaction.
        to: Recipient.
        amount_wei: Amount moved.
    """

    transaction: Hash
    to: Address
    amount_wei: Wei
