"""Messages about what listening costs: vouchers, escrow, and grants of sites."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from messages.fields import Address, Code, Name, Number, Wei
from messages.signed import SignedVoucher


class Owed(Struct, frozen=True):
    """Fetches the server's statement for the listener, and compares it with the plays in the ledger.

    A statement of anything else than the plays in the ledger is refused with ``listener.statement``, one that the
    escrow does not cover with ``listener.escrow.short``.

    Attributes:
        stream: Name of a stream with a session.
    """

    stream: Name


class VoucherToSign(Struct, frozen=True):
    """The ``Voucher`` that the listener key is to sign.

    Attributes:
        server: Address of the security server.
        payer: Address of the listener key.
        station: Address of the station; null without one.
        cap_wei: Cumulative gross amount of the voucher.
        until: Epoch in which the voucher ends.
        added_wei: Part of ``cap_wei`` that earlier vouchers do not have.
        chain_id: Chain of the settlement contract.
        settlement: Address of the settlement contract, for EIP-712.
    """

    server: Address
    payer: Address
    station: Address | None
    cap_wei: Wei
    until: Number
    added_wei: Wei
    chain_id: Number
    settlement: Address


class OwedResult(Struct, frozen=True):
    """What the listener is to sign now.

    Attributes:
        due: The voucher; null where nothing new can be signed for.
        waiting: Code of why not everything heard is stated or settled yet, to be asked for again; or null.
    """

    due: VoucherToSign | None
    waiting: Code | None = None


class Pay(Struct, frozen=True):
    """Records the voucher that ``owed`` returned, and sends it to the server.

    Any other voucher is refused with ``voucher.cap`` or ``voucher.signature``.

    Attributes:
        stream: Name of the stream.
        voucher: The ``Voucher``, signed by the listener key.
    """

    stream: Name
    voucher: SignedVoucher


class PayResult(Struct, frozen=True):
    """What became of the voucher.

    Attributes:
        waiting: Code of why not everything that it covers is settled yet; or null.
    """

    waiting: Code | None = None


class Escrow(Struct, frozen=True):
    """Reads the escrow of this computer's listeners from the chain.

    Attributes:
        wallet: Only listener keys that this wallet has shown to stations, named by its first account; null: all.
    """

    wallet: Address | None = None


class EscrowEntry(Struct, frozen=True):
    """Escrow of one listener key at one security server.

    Attributes:
        server: Address of the security server.
        payer: Address of the listener key.
        station: Address of the station.
        domain: Domain of the station.
        chain_id: Chain of the escrow.
        settlement: Address of the settlement contract.
        token: Address of the token contract.
        escrow_wei: Escrow in the settlement contract.
        left_wei: Part of the escrow that is neither requested back nor signed for.
        pending_wei: Amount of vouchers that are not debited yet.
        spent_wei: Amount debited or signed for.
        requested_wei: Amount requested for withdrawal.
        held_wei: Tokens of the listener key itself: withdrawn, and not transferred to the wallet yet.
        ready_s: Time from which the requested amount can be withdrawn, Unix seconds.
        now_s: Trusted time, Unix seconds.
        delay_s: Time between request and withdrawal, seconds.
    """

    server: Address
    payer: Address
    station: Address
    domain: str
    chain_id: Number
    settlement: Address
    token: Address
    escrow_wei: Wei
    left_wei: Wei
    pending_wei: Wei
    spent_wei: Wei
    requested_wei: Wei
    held_wei: Wei
    ready_s: Number
    now_s: Number
    delay_s: Number


class EscrowResult(Struct, frozen=True):
    """Escrow wherever a content had a price for a listener.

    Attributes:
        places: One for each server and listener key.
    """

    places: list[EscrowEntry]


GrantState = Literal["allowed", "paused", "revoked"]


class Site(Struct, frozen=True):
    """Changes a site's grant. What is absent stays; a new grant is ``allowed`` with a budget of 0.

    Attributes:
        origin: Origin of the site; ``*``: the budget of all sites together.
        state: New state.
        day_wei: New daily budget.
    """

    origin: Annotated[str, Meta(min_length=1, max_length=512)]
    state: GrantState | None = None
    day_wei: Wei | None = None


class SiteResult(Struct, frozen=True):
    """The grant after the change.

    Attributes:
        origin: Origin of the site, or ``*``.
        state: State of the grant.
        day_wei: Daily budget.
    """

    origin: str
    state: GrantState
    day_wei: Wei


class Sites(Struct, frozen=True):
    """Reads the grants of all sites.

    Attributes:
        wallet: Wallet whose earnings are added, named by its first account; null: none.
    """

    wallet: Address | None = None


class SiteEntry(Struct, frozen=True):
    """A site's grant.

    Attributes:
        origin: Origin of the site.
        state: State of the grant.
        day_wei: Daily budget.
        spent_wei: Amount debited today (UTC).
        earned_wei: Rewards of the wallet's plays at this site.
        first_s: First use, Unix seconds.
        last_s: Last use, Unix seconds.
    """

    origin: str
    state: GrantState
    day_wei: Wei
    spent_wei: Wei
    earned_wei: Wei
    first_s: Number
    last_s: Number


class SitesResult(Struct, frozen=True):
    """The grants, and the budget of all sites together.

    Attributes:
        day_wei: Daily budget of all sites.
        spent_wei: Amount debited today (UTC) at all sites.
        sites: The grants, last used first.
    """

    day_wei: Wei
    spent_wei: Wei
    sites: list[SiteEntry]
