"""Requests of hosts and of HTTP clients as msgspec structs (docs/protocol.md section 4)."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from pywallet.errors import InputError

Address = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{40}$")]
Hash = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{64}$")]
SignatureText = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{130}$")]
# 32 bytes in base64.
Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=$")]
Number = Annotated[int, Meta(ge=0, lt=1 << 53)]
Index = Annotated[int, Meta(ge=0, lt=1 << 32)]
Count = Annotated[int, Meta(ge=0, le=256)]
Message = dict[str, Any]
"""A signed message; pywallet.protocol checks its fields."""
Numbers = Annotated[list[Index], Meta(max_length=2_000)]
AgreedLines = Annotated[list[tuple[Index, Index]], Meta(max_length=2_000)]
Acknowledgements = Annotated[list[Message], Meta(max_length=256)]


class Request(Struct, tag_field="op", forbid_unknown_fields=True):
    """An operation of a host. ``id`` is repeated by the reply."""

    id: Number


class Hello(Request, tag="hello"):
    """Identifies the device: its key signs the server's address and the time."""

    protocol: int
    device: Address
    time_ms: Number
    signature: SignatureText


class Open(Request, tag="open"):
    """Opens a ticket of a session.

    Attributes:
        session: Signed ``Session``.
        ticket: Signed ``Ticket``.
        tracking: Whether the listener agreed to be counted per segment; None: no choice was made.
    """

    session: Message
    ticket: Message
    tracking: bool | None = None


class LeaseRequest(Request, tag="lease"):
    """Asks for keys ahead of the actions that use them. ``rendition`` None: the header's first."""

    ticket: Hash
    first: Index
    count: Count
    key: Key
    rendition: Annotated[int, Meta(ge=0, lt=1 << 16)] | None = None


class GrantRequest(Request, tag="grant"):
    """Counts one action and asks for the keys that it needs."""

    invocation: Message
    first: Index
    count: Count
    key: Key
    rendition: Annotated[int, Meta(ge=0, lt=1 << 16)] | None = None


class Report(Request, tag="report"):
    """Reports actions under a lease, in order."""

    invocations: Annotated[list[Message], Meta(max_length=512)]


class Destroyed(Request, tag="destroyed"):
    """States, signed by the device, that it has destroyed its keys of a content."""

    content: Address
    listener: Address
    time_ms: Number
    code: Annotated[str, Meta(max_length=64)]
    signature: SignatureText


class Owed(Request, tag="statement"):
    """Asks for the statement of the listener of one of this device's sessions.

    ``disputed``: ticket numbers that the listener does not agree to.
    """

    session: Hash
    disputed: Numbers = []


class Pay(Request, tag="voucher"):
    """Hands in the listener's voucher for its statement.

    ``lines``: [ticket number, whole intervals] that it agreed to; None: the whole statement.
    """

    voucher: Message
    lines: AgreedLines | None = None


class Books(Request, tag="books"):
    """Resynchronises the listener of one of this device's sessions."""

    session: Hash
    voucher: Message | None = None
    settled: Acknowledgements = []


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


class ClaimRequest(Request, tag="claim"):
    """Signed claims, all to one address, for the relayer.

    ``mixed``: one claim, held and sent among those of others, not before ``after_s`` (Unix seconds).
    """

    claims: Annotated[list[Message], Meta(min_length=1, max_length=32)]
    mixed: bool = False
    after_s: Annotated[int, Meta(ge=0, le=1 << 40)] = 0


class RelayerRequest(Request, tag="relayer"):
    """Asks for the address that a payee's permit has to name; refused where the sweep would be."""

    payee: Address
    amount: Annotated[str, Meta(pattern=r"^[0-9]{1,39}$")]


class SweepRequest(Request, tag="sweep"):
    """A payee's order to transfer tokens from its own address, and its permit (EIP-2612) for the relayer."""

    sweep: Message
    permit: SignatureText


Operation = (
    Hello
    | Open
    | LeaseRequest
    | GrantRequest
    | Report
    | Destroyed
    | Owed
    | Pay
    | Books
    | ReceiptsRequest
    | LeafRequest
    | UsageRequest
    | ClaimRequest
    | RelayerRequest
    | SweepRequest
)


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

    voucher: Message
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
    voucher: Message | None = None
    settled: Acknowledgements = []


class ClaimPost(Struct, forbid_unknown_fields=True):
    """POST /v1/claims. ``mixed``: one claim, held and sent among those of others."""

    claims: Annotated[list[Message], Meta(min_length=1, max_length=32)]
    mixed: bool = False


class _Numbered(Struct):
    id: Number


_OPERATION: Final = msgspec.json.Decoder(Operation)
_NUMBERED: Final = msgspec.json.Decoder(_Numbered)
S = TypeVar("S", bound=Struct)


def operation(text: str | bytes) -> Operation:
    """Decode a host's request. Raises InputError ``message.schema``."""
    try:
        decoded: Operation = _OPERATION.decode(text)
        return decoded
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as e:
        raise InputError("message.schema", reason=str(e)[:200]) from None


def request_id(text: str | bytes) -> int:
    """The ``id`` of a request that could not be decoded, or 0."""
    try:
        return _NUMBERED.decode(text).id
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return 0


def body(kind: type[S], raw: bytes) -> S:
    """Decode an HTTP body. Raises InputError ``message.schema``."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as e:
        raise InputError("message.schema", reason=str(e)[:200]) from None
