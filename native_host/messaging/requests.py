"""The browser's requests as types (docs/protocol.md section 3), checked before anything looks at them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from pywallet.errors import InputError

Address = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{40}$")]
Hash = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{64}$")]
# At most 64 KiB: no transaction of a wallet is longer.
Hex = Annotated[str, Meta(max_length=131_074, pattern=r"^0x([0-9a-f]{2})*$")]
Wei = Annotated[str, Meta(max_length=78, pattern=r"^[0-9]+$")]
# 32 bytes in base64.
Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=$")]
HeaderBytes = Annotated[str, Meta(max_length=(4 << 20) * 4 // 3 + 4, pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
"""A header as long as the format allows, in base64."""
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(max_length=256)]
Number = Annotated[int, Meta(ge=0, lt=1 << 53)]
Index = Annotated[int, Meta(ge=0, lt=1 << 32)]
Count = Annotated[int, Meta(ge=0, le=256)]
Message = dict[str, Any]
"""A signed message; pywallet.protocol checks its fields."""


class Hello(Struct):
    """The first request: the protocol the extension speaks."""

    protocol: Number
    extension: Text = ""
    browser: Text = ""


class Open(Struct):
    """A song shown on a page: its signed header, the page's origin, the renderer's X25519 key, what the browser
    decodes and how fast the file comes; ``site``: the origin of the tab's page where this one is a frame in it.
    """

    stream: Name
    header: HeaderBytes
    origin: Annotated[str, Meta(max_length=512)]
    key: Key
    codecs: Annotated[list[Text], Meta(max_length=16)] | None = None
    kbps: Number | None = None
    site: Annotated[str, Meta(max_length=512)] = ""


class Identify(Struct):
    """The wallet's session for this station, or null: the host's own listener."""

    stream: Name
    session: Message | None = None


class Prepare(Struct):
    """The station's ticket for the next play.

    ``tracking``: whether the person agreed to be counted; null: they said nothing.
    """

    stream: Name
    ticket: Message
    tracking: bool | None = None


class Rejoin(Struct):
    """Go on with a play that was cut off: with this ticket, or with the one that ``open`` told of."""

    stream: Name
    ticket: Message | None = None


class Invoke(Struct):
    """One action; ``segment`` is the first whose key is wanted, null for none."""

    stream: Name
    action: Name
    position_ms: Number
    segment: Index | None = None
    count: Count = 0


class Problem(Struct):
    """The player has stopped for a reason of its own, such as sound that is not what the file says."""

    stream: Name
    code: Name


class Close(Struct):
    """The player is gone."""

    stream: Name


class Summary(Struct):
    """What the popup shows.

    ``wallet``: the first account of its words, by which its payees are known (``payees``); ``since_s``: when
    today began for the person; ``chain_id``: whose balance, the first known by default.
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
    """Payees of a wallet, to be remembered on this computer."""

    wallet: Address
    payees: Annotated[list[Payee], Meta(max_length=512)]


class ReceiptKey(Struct):
    """What names a receipt."""

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
    """One step of the search for a wallet's earlier rewards.

    ``fresh``: its words are new, so there are none before now.
    """

    wallet: Address
    chain_id: Number
    fresh: bool = False
    candidates: Annotated[list[Candidates], Meta(max_length=64)] = []


class Origin(Struct):
    """Where a receipt's amount came from. ``wallet``: whose payee it is."""

    server: Address
    epoch: Number
    payee: Address
    wallet: Address | None = None


class Site(Struct):
    """What a site may do from now on; "*": all sites together (their budget)."""

    origin: Annotated[str, Meta(min_length=1, max_length=512)]
    state: Literal["allowed", "paused", "revoked"] | None = None
    day_wei: Wei | None = None


class Sites(Struct):
    """Every site's grant; ``wallet``: whose earnings are told with it, as in summary."""

    wallet: Address | None = None


class Owed(Struct):
    """What the listener should sign for now."""

    stream: Name


class Pay(Struct):
    """The wallet's voucher for what ``owed`` said."""

    stream: Name
    voucher: Message


class Escrow(Struct):
    """Listening money, wherever there is or could be some.

    ``wallet``: of keys that it has shown to stations, and no others.
    """

    wallet: Address | None = None


class Simulate(Struct):
    """What a call of an account would cost, whether it would succeed, and with ``effects`` what it changes.

    Nothing is signed or sent.
    """

    chain_id: Number
    account: Address
    to: Address
    value_wei: Wei = "0"
    data: Hex = "0x"
    effects: bool = False


class Read(Struct):
    """A site's question to the network's node; ``native_host.operations.read`` has the methods."""

    chain_id: Number
    method: Name
    params: Annotated[list[Any], Meta(max_length=4)] = []


class Send(Struct):
    """A signed transaction for the network."""

    chain_id: Number
    raw: Hex


class Transaction(Struct):
    """State of a transaction; with account and number also if another one took its place."""

    chain_id: Number
    transaction: Hash
    account: Address | None = None
    nonce: Number | None = None


class Transfers(Struct):
    """The token's movements to and from an account."""

    chain_id: Number
    account: Address


class Holdings(Struct):
    """Tokens that lie at payees themselves. ``account``: who would take them.

    ``payees``: these addresses; or those of ``wallet`` behind the address ``after``, a part of them.
    """

    chain_id: Number
    account: Address
    payees: Annotated[list[Address], Meta(max_length=256)] = []
    wallet: Address | None = None
    after: Address | None = None


class Relayer(Struct):
    """Find the server whose relayer would send the tokens of a payee, for an account without coins."""

    chain_id: Number
    payee: Address
    amount_wei: Wei


class Sweep(Struct):
    """A payee's order and permit for the relayer of a server."""

    server: Address
    sweep: Message
    permit: Annotated[str, Meta(pattern=r"^0x[0-9a-f]{130}$")]


class Leaf(Struct):
    """Prove what a payee has in an epoch."""

    server: Address
    epoch: Number
    payee: Address


class Claim(Struct):
    """Signed claims for the relayer.

    ``mixed``: one claim, which the relayer holds and sends among those of others, not before ``after_s`` (Unix
    seconds).
    """

    claims: Annotated[list[Message], Meta(min_length=1, max_length=32)]
    mixed: bool = False
    after_s: Annotated[int, Meta(ge=0, le=1 << 40)] = 0


class VerifyCounts(Struct):
    """Prove what was counted of a content in an epoch."""

    server: Address
    epoch: Number
    content: Address


class Network(Struct):
    """A network that the station at an origin names, as in its record."""

    origin: Annotated[str, Meta(max_length=512)]
    network: Message


class Doctor(Struct):
    """Check this installation."""


Operation = (
    Hello
    | Problem
    | Open
    | Identify
    | Prepare
    | Invoke
    | Close
    | Summary
    | Payees
    | Earnings
    | Scan
    | Origin
    | Simulate
    | Read
    | Send
    | Transaction
    | Transfers
    | Holdings
    | Relayer
    | Sweep
    | Leaf
    | Claim
    | VerifyCounts
    | Network
    | Doctor
)

OPERATIONS: Final[dict[str, type[Struct]]] = {
    "hello": Hello,
    "open": Open,
    "identify": Identify,
    "prepare": Prepare,
    "rejoin": Rejoin,
    "invoke": Invoke,
    "problem": Problem,
    "close": Close,
    "summary": Summary,
    "payees": Payees,
    "earnings": Earnings,
    "scan": Scan,
    "origin": Origin,
    "site": Site,
    "sites": Sites,
    "owed": Owed,
    "pay": Pay,
    "escrow": Escrow,
    "simulate": Simulate,
    "read": Read,
    "send": Send,
    "transaction": Transaction,
    "transfers": Transfers,
    "holdings": Holdings,
    "relayer": Relayer,
    "sweep": Sweep,
    "leaf": Leaf,
    "claim": Claim,
    "verify_counts": VerifyCounts,
    "network": Network,
    "doctor": Doctor,
}


def request_id(message: dict[str, Any]) -> int:
    """The number a reply repeats. Raises InputError ``host.message.schema``."""
    value = message.get("id")
    if type(value) is not int or not 0 <= value < 1 << 53:
        raise InputError("host.message.schema", field="id")
    return value


def parse(message: dict[str, Any]) -> Any:
    """The request as its type. Raises InputError ``host.message.unknown`` or ``host.message.schema``."""
    op = message.get("op")
    kind = OPERATIONS.get(op) if isinstance(op, str) else None
    if kind is None:
        raise InputError("host.message.unknown", op=str(op)[:64])
    try:
        return msgspec.convert(message, kind)
    except (msgspec.ValidationError, RecursionError) as e:
        raise InputError("host.message.schema", reason=str(e)[:200]) from None
