"""Operations of a host about money: statements, vouchers, receipts and proofs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from messages.fields import (
    Acknowledgements,
    Address,
    AgreedLines,
    Hash,
    Index,
    Number,
    Numbers,
    Wei,
)
from messages.host_server.request import Request
from messages.settlement import ReceiptEntry
from messages.signed import SignedVoucher


class Owed(Request, tag="statement"):
    """Asks for the statement of the listener of one of this device's sessions.

    Attributes:
        session: Id of the session.
        disputed: Ticket numbers that the listener does not agree to; they are stated last.
    """

    session: Hash
    disputed: Numbers = field(default_factory=list)


class Pay(Request, tag="voucher"):
    """Hands in the listener's voucher for its statement.

    What it settles is returned to a device that has played for this listener's money.

    Attributes:
        voucher: Signed ``Voucher``.
        lines: [ticket number, whole intervals] that the listener agreed to; null or absent: the whole statement.
    """

    voucher: SignedVoucher
    lines: AgreedLines | None = None


class Books(Request, tag="books"):
    """Resynchronises the listener of one of this device's sessions.

    Attributes:
        session: Id of the session.
        voucher: The listener's last signed ``Voucher``, or null.
        settled: Acknowledgements that this server has signed, {statement, lines} each.
    """

    session: Hash
    voucher: SignedVoucher | None = None
    settled: Acknowledgements = field(default_factory=list)


class ReceiptsRequest(Request, tag="receipts"):
    """Asks for the receipts of these payees that sessions of this device earned.

    Attributes:
        payees: Addresses of payees.
        since_epoch: First epoch.
    """

    payees: Annotated[list[Address], Meta(max_length=1024)]
    since_epoch: Number = 0


class ReceiptsResult(Struct, frozen=True):
    """Receipts with their details.

    Attributes:
        receipts: At most 2,000, by epoch and payee.
    """

    receipts: list[ReceiptEntry]


class LeafRequest(Request, tag="leaf"):
    """Asks for a payee's leaf of an epoch with its proof.

    Attributes:
        epoch: Number of the epoch.
        payee: Address of the payee.
    """

    epoch: Number
    payee: Address


class EpochHeaderResult(Struct, frozen=True):
    """Header of a posted epoch.

    Attributes:
        root: Merkle-sum root of the payees' leaves.
        total: Sum of all leaves, wei.
        rest: Hash of what else the post commits to.
    """

    root: Hash
    total: Wei
    rest: Hash


class LeafResult(Struct, frozen=True):
    """A payee's leaf with its proof.

    Attributes:
        header: Header of the epoch.
        amount: Amount of the payee, wei.
        index: Position of the leaf.
        proof: Hash and sum of each sibling, from the leaf up.
    """

    header: EpochHeaderResult
    amount: Wei
    index: Index
    proof: list[tuple[Hash, Wei]]


class UsageRequest(Request, tag="usage"):
    """Asks for a listener's counters of a content in an epoch with their proofs; for the session's own device.

    Attributes:
        epoch: Number of the epoch.
        session: Id of one of the listener's sessions.
        content: The content's address.
    """

    epoch: Number
    session: Hash
    content: Address


class UsageLeaf(Struct, frozen=True):
    """Counters of one listener and one content.

    Attributes:
        tag: Name of the listener in this epoch, derived from the tag secret.
        content: The content's address.
        plays: Counted plays, cumulative.
        seeks: Counted seeks, cumulative.
        seconds: Heard time, cumulative.
    """

    tag: Hash
    content: Address
    plays: Number
    seeks: Number
    seconds: Number


class ContentLeaf(Struct, frozen=True):
    """Counters of one content over all listeners in one epoch.

    Attributes:
        content: The content's address.
        plays: Counted plays.
        unvalidated: Refused plays that are kept with their signature.
        seeks: Counted seeks.
        seconds: Heard time.
    """

    content: Address
    plays: Number
    unvalidated: Number
    seeks: Number
    seconds: Number


class UsageResult(Struct, frozen=True):
    """A listener's and a content's counters with their proofs under the counts root.

    Attributes:
        leaf: The listener's counters.
        index: Position of that leaf.
        proof: Siblings of that leaf, from the leaf up.
        content_leaf: The content's counters.
        content_index: Position of that leaf.
        content_proof: Siblings of that leaf, from the leaf up.
        header: Header of the epoch.
        digest: Digest of the posted vouchers.
        counts_root: Merkle root of the counters.
        data_hash: Keccak of the epoch's published data.
    """

    leaf: UsageLeaf
    index: Index
    proof: list[Hash]
    content_leaf: ContentLeaf
    content_index: Index
    content_proof: list[Hash]
    header: EpochHeaderResult
    digest: Hash
    counts_root: Hash
    data_hash: Hash
