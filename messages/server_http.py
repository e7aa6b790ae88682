"""Bodies of the security server's HTTP routes (docs/protocol.md section 4)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from messages.fields import Acknowledgements, Address, AgreedLines, Index, Key, Number, Numbers, SignatureText
from messages.signed import SignedClaim, SignedVoucher


class Upload(Struct, forbid_unknown_fields=True):
    """PUT /v1/contents/{content}: the header and its content keys, wrapped to the server."""

    header: str
    ephemeral: Key
    keys: Annotated[list[tuple[Index, Annotated[str, Meta(max_length=256)]]], Meta(min_length=1, max_length=4096)]
    signature: SignatureText


class HandoverRequest(Struct, forbid_unknown_fields=True):
    """POST /v1/handovers: a content's proposed server asks for its keys and counters.

    ``after``: the last listener it has counters of.
    """

    content: Address
    server: Address
    time_s: Number
    signature: SignatureText
    after: Address | None = None


class MoveRequest(Struct, forbid_unknown_fields=True):
    """POST /v1/moves: this server is to take over a content that its owner has proposed to it."""

    content: Address


class StatementRequest(Struct, forbid_unknown_fields=True):
    """POST /v1/statements: the payer asks what it owes."""

    payer: Address
    time_s: Number
    signature: SignatureText
    disputed: Numbers = []


class VoucherPost(Struct, forbid_unknown_fields=True):
    """POST /v1/vouchers.

    ``lines``: what the payer agreed to, [ticket number, whole intervals]; absent: all of its statement.

    ``time_s`` and ``signature``: the payer's, as for a statement, to be told what becomes of it. The voucher alone
    proves nothing: it is published on the chain.
    """

    voucher: SignedVoucher
    lines: AgreedLines | None = None
    time_s: Number = 0
    signature: SignatureText | None = None


class AccountRequest(Struct, forbid_unknown_fields=True):
    """POST /v1/accounts: the payer asks for its account."""

    payer: Address
    time_s: Number
    signature: SignatureText


class ReceiptsPost(Struct, forbid_unknown_fields=True):
    """POST /v1/receipts: a payee's receipts, of all epochs or of one.

    ``signature``: its key's, over server, payee and time.
    """

    payee: Address
    time_s: Number
    signature: SignatureText
    epoch: Number | None = None


class BooksRequest(Struct, forbid_unknown_fields=True):
    """POST /v1/books: the payer's last voucher, and what this server has acknowledged."""

    payer: Address
    time_s: Number
    signature: SignatureText
    voucher: SignedVoucher | None = None
    settled: Acknowledgements = []


class ClaimPost(Struct, forbid_unknown_fields=True):
    """POST /v1/claims. ``mixed``: one claim, held and sent among those of others."""

    claims: Annotated[list[SignedClaim], Meta(min_length=1, max_length=32)]
    mixed: bool = False
