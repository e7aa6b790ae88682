"""Body of a station's route for its operator, ``GET /gomaa/account``."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from messages.fields import Address, Code, Index, Number, Wei


class SignedVoucher(Struct, frozen=True):
    """The station's last voucher for a server.

    Attributes:
        cap_wei: Most cumulative gross.
        until: Last epoch in which it may be used.
        sent: True once the server has acknowledged it.
    """

    cap_wei: Wei
    until: Number
    sent: bool


class ReceivedStatement(Struct, frozen=True):
    """A statement of a server.

    Attributes:
        time_ms: When it was received, Unix milliseconds.
        epoch: Its epoch.
        spent_wei: Cumulative gross that it states.
        lines: Number of its lines.
        code: Code of the refusal, or null.
        reason: Reason of the refusal, or null.
    """

    time_ms: Number
    epoch: Number
    spent_wei: Wei
    lines: Index
    code: Code | None
    reason: str | None


class QuarantinedLine(Struct, frozen=True):
    """A statement's line that is not signed for.

    Attributes:
        number: Ticket number.
        time_ms: When it was set aside first, Unix milliseconds.
        code: Code of the refusal.
        reason: Reason of the refusal.
    """

    number: Index
    time_ms: Number
    code: Code
    reason: str | None


class ServerAccount(Struct, frozen=True):
    """The station's account with one security server.

    Attributes:
        server: Address of the server.
        signed_wei: Cap of the last voucher.
        voucher: The last voucher, or null.
        statements: The latest 10 statements, newest first.
        quarantine: At most 100 lines that are not signed for.
        url: Host and port of the server; absent where no URL is known, as the fields up to ``usable_wei`` are where
            the chain cannot be read.
        spent_wei: Cumulative gross that the chain has debited.
        escrow_wei: Escrow on the chain.
        requested_wei: Of that, claimed by withdrawal requests.
        unposted_wei: Vouchered and not debited.
        open_tickets: Tickets that may still be played.
        held_wei: Escrow that is held for them.
        usable_wei: Escrow that is left for further tickets.
        problem: Error {code, message, detail} of the read; absent where it succeeded.
    """

    server: Address
    signed_wei: Wei
    voucher: SignedVoucher | None
    statements: list[ReceivedStatement]
    quarantine: list[QuarantinedLine]
    url: str | UnsetType = UNSET
    spent_wei: Wei | UnsetType = UNSET
    escrow_wei: Wei | UnsetType = UNSET
    requested_wei: Wei | UnsetType = UNSET
    unposted_wei: Wei | UnsetType = UNSET
    open_tickets: Number | UnsetType = UNSET
    held_wei: Wei | UnsetType = UNSET
    usable_wei: Wei | UnsetType = UNSET
    problem: dict[str, Any] | UnsetType = UNSET


class ContentMove(Struct, frozen=True):
    """A song that moves to another security server.

    Attributes:
        content: The content's address.
        title: Title.
        server: Address of the new server.
        from_epoch: First epoch of the new server; null: proposed, not accepted yet.
        from_s: When that epoch begins, Unix seconds, or null.
        escrow_wei: The station's escrow with the new server, less requested withdrawals.
        escrow_needed: True if there is none.
    """

    content: Address
    title: str
    server: Address
    from_epoch: Number | None
    from_s: Number | None
    escrow_wei: Wei
    escrow_needed: bool


class StationAccountResult(Struct, frozen=True):
    """GET /gomaa/account (bearer admin token): the station's state for its operator.

    Attributes:
        station: Address of the station.
        name: Its name.
        domain: Its domain.
        plays_today: Tickets since midnight, local time.
        songs: Songs of the catalogue.
        problems: Files of the catalogue that cannot be used, with the reason.
        servers: Accounts with the security servers, by address.
        moves: Songs that move to another server; null until the first check.
    """

    station: Address
    name: str
    domain: str
    plays_today: Number
    songs: Number
    problems: dict[str, str]
    servers: list[ServerAccount]
    moves: list[ContentMove] | None
