"""Bodies of the security server's HTTP routes about payers, epochs and claims (docs/protocol.md section 4).

Those about contents are in ``messages.server_contents``.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from messages.fields import (
    Acknowledgements,
    Address,
    AgreedLines,
    Hash,
    Index,
    Key,
    Number,
    Numbers,
    SignatureText,
    Wei,
)
from messages.host_server.relay import RelayerState
from messages.signed import SignedClaim, SignedReceipt, SignedVoucher


class ScheduleResult(Struct, frozen=True):
    """Times of the settlement's epochs, all in seconds (docs/settlement.md).

    Attributes:
        length: Length of an epoch.
        grace: Time after an epoch's end before it can be posted.
        window: Time within which a post can be challenged.
        answer: Time within which a challenge has to be answered.
        late: Time after the last moment of a post within which a receipt of the epoch can be challenged.
        delay: Time between the request for a withdrawal and the withdrawal.
    """

    length: Number
    grace: Number
    window: Number
    answer: Number
    late: Number
    delay: Number


class InfoResult(Struct, frozen=True):
    """GET /v1/info: addresses, network, schedule and version of the server.

    Attributes:
        server: The server's address.
        key: X25519 key to which content keys are wrapped.
        chain_id: Id of the network.
        settlement: Address of the settlement contract.
        schedule: Times of the epochs.
        version: Release of the program.
        relayer: State of the relayer's account: ``ok``, ``low`` (balance), ``spent`` (budget) or ``unknown``
            (docs/operate-server.md).
    """

    server: Address
    key: Key
    chain_id: Number
    settlement: Address
    schedule: ScheduleResult
    version: str
    relayer: RelayerState


class HealthResult(Struct, frozen=True):
    """GET /v1/health: the process answers.

    Attributes:
        version: Release of the program.
    """

    version: str


class ReadyResult(Struct, frozen=True):
    """GET /v1/ready: the server can serve; else ``server.unready`` (503) with ``missing``.

    Attributes:
        version: Release of the program.
    """

    version: str


class AccountRequest(Struct, forbid_unknown_fields=True):
    """POST /v1/accounts: asks for the payer's account.

    Attributes:
        payer: Address of the payer.
        time_s: Time of the request, Unix seconds.
        signature: The payer's, over keccak("gomaa/1 statement" ‖ server ‖ uint64 time_s).
    """

    payer: Address
    time_s: Number
    signature: SignatureText


class AccountResult(Struct, frozen=True):
    """A payer's escrow with this server, all in wei.

    Attributes:
        escrow_wei: Deposited and not debited.
        requested_wei: Of that, claimed by withdrawal requests.
        unposted_wei: Gross of vouchered plays that the chain has not debited.
        unvouchered_wei: Gross of plays without a voucher.
        usable_wei: Escrow that is left for further plays.
    """

    escrow_wei: Wei
    requested_wei: Wei
    unposted_wei: Wei
    unvouchered_wei: Wei
    usable_wei: Wei


class StatementRequest(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """POST /v1/statements: asks what the payer owes.

    Attributes:
        payer: Address of the payer.
        time_s: Time of the request, Unix seconds.
        signature: The payer's, over keccak("gomaa/1 statement" ‖ server ‖ uint64 time_s).
        disputed: Ticket numbers that the payer does not agree to; they are stated last.
    """

    payer: Address
    time_s: Number
    signature: SignatureText
    disputed: Numbers = []


class VoucherPost(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """POST /v1/vouchers: hands in a payer's voucher.

    Attributes:
        voucher: Signed ``Voucher``.
        lines: [ticket number, whole intervals] that the payer agreed to; null or absent: its whole statement.
        time_s: Time of the request, Unix seconds.
        signature: The payer's, as for a statement. Without it the voucher counts and the result is empty: vouchers
            are published on the chain, so one alone proves nothing.
    """

    voucher: SignedVoucher
    lines: AgreedLines | None = None
    time_s: Number = 0
    signature: SignatureText | None = None


class BooksRequest(Struct, forbid_unknown_fields=True):
    """POST /v1/books: resynchronises a payer.

    Attributes:
        payer: Address of the payer.
        time_s: Time of the request, Unix seconds.
        signature: The payer's, as for a statement.
        voucher: The payer's last signed ``Voucher``, or null.
        settled: Acknowledgements that this server has signed, {statement, lines} each.
    """

    payer: Address
    time_s: Number
    signature: SignatureText
    voucher: SignedVoucher | None = None
    settled: Acknowledgements = []


class EpochResult(Struct, frozen=True):
    """GET /v1/epochs/{epoch} and POST /v1/epochs/close: an epoch as of the last read of the chain.

    Attributes:
        epoch: Number of the epoch.
        state: ``none``, ``posted`` or ``final``.
        root: Merkle-sum root of the payees' leaves; null until the epoch is closed, as the next ones.
        total: Sum of all leaves, wei.
        counts_root: Merkle root of the counters.
        data_hash: Keccak of the published data.
        transaction: Hash of the server's last transaction for the epoch, or null.
        leaves: Number of leaves.
    """

    epoch: Number
    state: str
    root: Hash | None = None
    total: Wei = "0"
    counts_root: Hash | None = None
    data_hash: Hash | None = None
    transaction: Hash | None = None
    leaves: Number = 0


class ContentCountsResult(Struct, frozen=True):
    """GET /v1/epochs/{epoch}/counts/{content}: a content's counters with their proof.

    Attributes:
        content: The content's address.
        plays: Counted plays.
        unvalidated: Refused plays that are kept with their signature.
        seeks: Counted seeks.
        seconds: Heard time.
        index: Position of the leaf.
        proof: Siblings of the leaf, from the leaf up.
        counts_root: Merkle root of the counters.
    """

    content: Address
    plays: Number
    unvalidated: Number
    seeks: Number
    seconds: Number
    index: Index
    proof: list[Hash]
    counts_root: Hash


class ImportResult(Struct, frozen=True):
    """POST /v1/epochs/import: an epoch imported from its published bytes.

    Attributes:
        epoch: Number of the epoch.
    """

    epoch: Number


class ReceiptsPost(Struct, forbid_unknown_fields=True):
    """POST /v1/receipts: asks for the receipts of a payee, for a challenge.

    Refused with ``invocation.time`` or ``claim.signature``.

    Attributes:
        payee: Address of the payee.
        time_s: Time of the request, Unix seconds; it is valid for 120 seconds.
        signature: The payee's, over keccak("gomaa/1 receipts" ‖ server ‖ payee ‖ uint64 time_s).
        epoch: The epoch; null or absent: all epochs.
    """

    payee: Address
    time_s: Number
    signature: SignatureText
    epoch: Number | None = None


class BareReceipt(Struct, frozen=True):
    """A receipt without its details.

    Attributes:
        receipt: Signed ``Receipt``.
    """

    receipt: SignedReceipt


class PayeeReceiptsResult(Struct, frozen=True):
    """Receipts of one payee.

    Attributes:
        receipts: At most 2,000, by epoch.
    """

    receipts: list[BareReceipt]


class ClaimPost(Struct, forbid_unknown_fields=True):
    """POST /v1/claims: hands in signed claims, all to one address, for the relayer.

    Attributes:
        claims: Signed ``Claim`` each.
        mixed: True if the one claim is held and sent among those of others.
    """

    claims: Annotated[list[SignedClaim], Meta(min_length=1, max_length=32)]
    mixed: bool = False
