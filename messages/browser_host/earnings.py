"""Messages about a wallet's earnings: its payees, and receipts with their states and parts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from messages.fields import Address, AddressOrEmpty, Hash, Index, Number, Text, Wei
from messages.signed import SignedReceipt


class ReceiptEntry(Struct, frozen=True):
    """A receipt of a wallet's payee.

    Attributes:
        server: Address of the security server that issued it.
        epoch: Number of the epoch.
        payee: Address of the payee.
        amount_wei: Amount earned by the payee in the epoch.
        content: Address of the last content played; ``0x`` where only published data have the receipt.
        title: Title of that content; empty if it is not known.
        station: Domain of the station.
        station_name: Name of the station.
        station_address: Address of the station.
        number: Number of the wallet's session at the station, from which the payee is derived.
        chain_id: Chain of the settlement contract.
        settlement: Address of the settlement contract.
        state: ``pending``: the epoch is not final; ``claimable``: it is; ``claimed``: the amount is at the wallet.
        at_payee: True if the amount was paid to the payee's own address: a sweep moves it, not a claim.
        due_s: Time at which the epoch becomes final, Unix seconds; null if it is not known.
        transaction: Transaction that moved the amount to the wallet; null if there is none.
    """

    server: Address
    epoch: Number
    payee: Address
    amount_wei: Wei
    content: AddressOrEmpty
    title: str
    station: str
    station_name: str
    station_address: Address
    number: Number
    chain_id: Number
    settlement: Address
    state: Literal["pending", "claimable", "claimed"]
    at_payee: bool
    due_s: Number | None
    transaction: Hash | None


class Summary(Struct, frozen=True):
    """Reads balance, receipts and activity of a wallet, for the popup.

    Attributes:
        account: Account whose balance is read; null: none.
        wallet: First account of the wallet, under which its payees are recorded; null: no receipts.
        since_s: Begin of the user's day, Unix seconds.
        chain_id: Network of the balance; null: the first.
    """

    account: Address | None = None
    wallet: Address | None = None
    since_s: Number = 0
    chain_id: Number | None = None


class EarningTotals(Struct, frozen=True):
    """Sums of all receipts of a wallet; each receipt is in one of them.

    Attributes:
        pending_wei: Of epochs that are not final.
        claimable_wei: Of final epochs, not claimed.
        claimed_wei: Claimed.
        at_payee_wei: Paid to payees' own addresses, not swept.
    """

    pending_wei: Wei
    claimable_wei: Wei
    claimed_wei: Wei
    at_payee_wei: Wei


class ActivityEntry(Struct, frozen=True):
    """A play or a refusal in the ledger.

    Attributes:
        time_s: Unix seconds.
        content: Address of the content; null if it is not known.
        title: Title of the content.
        artist: Artist of the content.
        station: Domain of the station; null if it is not known.
        amount_wei: Reward of the play.
        state: ``reported``: the server has all its invocations; ``unreported``: it does not; ``refused``.
        code: Code of the refusal; null if there is none.
    """

    time_s: Number
    content: Address | None
    title: str
    artist: str
    station: str | None
    amount_wei: Wei
    state: Literal["reported", "unreported", "refused"]
    code: str | None


class SummaryResult(Struct, frozen=True):
    """Balance, receipts and activity; without chain or server what the ledger has.

    Attributes:
        balance_wei: Tokens of the account; null if it cannot be read now.
        totals: Sums of all receipts.
        activity: Newest plays and refusals, 100 at most, newest first.
        today_wei: Rewards of plays since ``since_s``.
        due_s: Time at which the last pending epoch becomes final, Unix seconds; null if none is pending.
        receipts: Newest receipts, 100 at most; open ones before claimed ones.
    """

    balance_wei: Wei | None
    totals: EarningTotals
    activity: list[ActivityEntry]
    today_wei: Wei
    due_s: Number | None
    receipts: list[ReceiptEntry]


class Payee(Struct, frozen=True):
    """Payee of one session of a wallet at a station.

    Attributes:
        payee: Address of the payee.
        station: Address of the station.
        number: Number of the session, from which the payee is derived.
        chain_id: Chain of the settlement contract.
        settlement: Address of the settlement contract.
        name: Name of the station.
    """

    payee: Address
    station: Address
    number: Index
    chain_id: Number
    settlement: Address
    name: Text = ""


class Payees(Struct, frozen=True):
    """Records payees of a wallet in the ledger. A recorded payee stays as it is.

    Attributes:
        wallet: First account of the wallet.
        payees: The payees, 512 at most.
    """

    wallet: Address
    payees: Annotated[list[Payee], Meta(max_length=512)]


class ReceiptKey(Struct, frozen=True):
    """Key of a receipt.

    Attributes:
        epoch: Number of the epoch.
        server: Address of the security server.
        payee: Address of the payee.
        chain_id: Chain of the settlement contract.
    """

    epoch: Number
    server: Address
    payee: Address
    chain_id: Number = 0


class Earnings(Struct, frozen=True):
    """Reads a page of a wallet's receipts from the ledger.

    Attributes:
        wallet: First account of the wallet.
        after: ``next`` of the page before; null: the first page.
        limit: Receipts at most.
        state: Only receipts of this state; ``open``: not claimed; null: all.
    """

    wallet: Address
    after: ReceiptKey | None = None
    limit: Annotated[int, Meta(ge=1, le=256)] = 100
    state: Literal["open", "claimable", "claimed"] | None = None


class EarningsResult(Struct, frozen=True):
    """A page of receipts.

    Attributes:
        receipts: Newest epoch first.
        next: ``after`` of the next page; null at the end.
    """

    receipts: list[ReceiptEntry]
    next: ReceiptKey | None


class ReceiptBreakdown(Struct, frozen=True):
    """Reads the plays that make up a receipt's amount.

    Attributes:
        server: Address of the security server.
        epoch: Number of the epoch.
        payee: Address of the payee.
        wallet: First account of the payee's wallet, for the station's address; null: not wanted.
    """

    server: Address
    epoch: Number
    payee: Address
    wallet: Address | None = None


class ReceiptPart(Struct, frozen=True):
    """A play's part of a receipt.

    Attributes:
        content: Address of the content; null: played on another computer.
        title: Title of the content.
        artist: Artist of the content.
        time_s: Begin of the play, Unix seconds; null: played on another computer.
        seconds: Seconds heard; null: played on another computer.
        ticket: Digest of the ticket; null: played on another computer.
        amount_wei: Part of the receipt's amount.
    """

    content: Address | None
    title: str
    artist: str
    time_s: Number | None
    seconds: Number | None
    ticket: Hash | None
    amount_wei: Wei


class ReceiptBreakdownResult(Struct, frozen=True):
    """A receipt and its parts.

    Attributes:
        chain_id: Chain of the settlement contract.
        settlement: Address of the settlement contract.
        receipt: The ``Receipt``, signed by the server; null where only published data have it.
        detail: Data whose digest the receipt has; null where only published data have it.
        station: Domain of the station.
        session: Digest of the session; null if this computer does not have it.
        station_address: Address of the station; null without ``wallet`` or if it is not known.
        parts: The plays; their amounts add up to the receipt's.
        transaction: Transaction that claimed it; null if there is none.
    """

    chain_id: Number
    settlement: Address
    receipt: SignedReceipt | None
    detail: dict[str, Any] | None
    station: str
    session: Hash | None
    station_address: Address | None
    parts: list[ReceiptPart]
    transaction: Hash | None
