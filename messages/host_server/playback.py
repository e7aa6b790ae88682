"""Operations of a host about plays: tickets, leases, invocations."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from messages.fields import Address, Code, Count, ErrorObject, Hash, Index, Key, Number, SignatureText, WrappedKeys
from messages.host_server.request import Request
from messages.signed import SignedInvocation, SignedSession, SignedTicket


class Hello(Request, tag="hello"):
    """Identifies the device; the first request of a connection.

    Attributes:
        protocol: Version of the protocol, 1.
        device: Address of the device's key.
        time_ms: Time of the greeting, Unix milliseconds, within two minutes of the server's clock.
        signature: The device's, over keccak("gomaa/1 host" ‖ server address ‖ uint64 time_ms).
    """

    protocol: int
    device: Address
    time_ms: Number
    signature: SignatureText


class HelloResult(Struct, frozen=True):
    """Version and clock of the server.

    Attributes:
        protocol: Version of the protocol, 1.
        now_ms: The server's clock, Unix milliseconds.
    """

    protocol: int
    now_ms: Number


class LeaseWish(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Keys that are wanted ahead of the actions that use them.

    Attributes:
        first: First wanted segment.
        count: Number of wanted segments.
        key: X25519 key of the host, to which the segment keys are wrapped.
        rendition: Id of the rendition; null or absent: the header's first.
    """

    first: Index
    count: Count
    key: Key
    rendition: Annotated[int, Meta(ge=0, lt=1 << 16)] | None = None


class Open(Request, tag="open", omit_defaults=True):
    """Opens a ticket of a session, and leases its first keys.

    Attributes:
        session: Signed ``Session``.
        ticket: Signed ``Ticket``.
        tracking: True if the listener agreed to be counted per segment; null or absent: no choice was made.
        lease: The keys that are wanted ahead; null or absent: none.
    """

    session: SignedSession
    ticket: SignedTicket
    tracking: bool | None = None
    lease: LeaseWish | None = None


class UsageCounters(Struct, frozen=True):
    """What a listener has used of a content, over all its plays at the server.

    Attributes:
        plays: Counted plays.
        seeks: Counted seeks.
        seconds: Heard time.
        first_play_s: Time of the first counted play, Unix seconds, or null.
    """

    plays: Number
    seeks: Number
    seconds: Number
    first_play_s: Number | None


class Place(Struct, frozen=True):
    """Where and for what a station plays, for the terms.

    Attributes:
        territory: ISO 3166-1 code, or null where unknown.
        purpose: The terms' word for it, or null where unknown.
    """

    territory: str | None
    purpose: str | None


class LeaseRequest(Request, tag="lease"):
    """Asks for keys ahead of the actions that use them.

    Attributes:
        ticket: Id of the ticket.
        first: First wanted segment.
        count: Number of wanted segments.
        key: X25519 key of the host, to which the segment keys are wrapped.
        rendition: Id of the rendition; null or absent: the header's first.
    """

    ticket: Hash
    first: Index
    count: Count
    key: Key
    rendition: Annotated[int, Meta(ge=0, lt=1 << 16)] | None = None


class LeaseResult(Struct, frozen=True):
    """Keys ahead of their use.

    Attributes:
        ephemeral: X25519 key of the wrapping.
        keys: Segment index and wrapped key; fewer than asked, or none, where the window or the allowance ends.
        expires_s: End of the lease, Unix seconds.
        budget: Invocations that may be made under it before they are reported.
    """

    ephemeral: Key
    keys: WrappedKeys
    expires_s: Number
    budget: Number


class LeasePart(Struct, frozen=True):
    """The lease that a request to open a ticket has asked for: granted, or refused while the ticket is open.

    Attributes:
        result: The keys; null where they are refused.
        error: The refusal; null where the keys are granted.
    """

    result: LeaseResult | None
    error: ErrorObject | None


class OpenResult(Struct, frozen=True):
    """State of the listener, the session and the station.

    Attributes:
        usage: What the listener has used of the content.
        sequence: Last sequence number of the session.
        secret: Secret of the listener's usage tags for this content, 32 bytes.
        place: Territory and purpose of the station.
        lease: The wanted keys; absent where none were wanted.
    """

    usage: UsageCounters
    sequence: Number
    secret: Key
    place: Place
    lease: LeasePart | UnsetType = UNSET


class GrantRequest(Request, tag="grant"):
    """Counts one action and asks for the keys that it needs.

    Attributes:
        invocation: Signed ``Invocation``.
        first: First wanted segment.
        count: Number of wanted segments.
        key: X25519 key of the renderer, to which the segment keys are wrapped.
        rendition: Id of the rendition; null or absent: the header's first.
    """

    invocation: SignedInvocation
    first: Index
    count: Count
    key: Key
    rendition: Annotated[int, Meta(ge=0, lt=1 << 16)] | None = None


class KeyWait(Struct, frozen=True):
    """Reason and time of a delay of keys.

    Attributes:
        code: ``invocation.pace``.
        retry_ms: Time until a further request brings keys, milliseconds.
    """

    code: Code
    retry_ms: Number


class GrantResult(Struct, frozen=True):
    """Keys of a counted action.

    Attributes:
        ephemeral: X25519 key of the wrapping.
        keys: Segment index and wrapped key; fewer than asked, or none, where the window or the allowance ends.
        expires_s: End of the keys' validity, Unix seconds.
        sequence: Sequence number of the invocation.
        usage: What the listener has used of the content, with this action.
        heard_ms: Heard time of the ticket, milliseconds.
        intervals: Full intervals of the ticket.
        left: Uses that remain of each action that the terms count.
        wait: Present where the music needs a key that the allowance does not cover yet.
    """

    ephemeral: Key
    keys: WrappedKeys
    expires_s: Number
    sequence: Number
    usage: UsageCounters
    heard_ms: Number
    intervals: Number
    left: dict[str, Number]
    wait: KeyWait | UnsetType = UNSET


class Report(Request, tag="report"):
    """Reports actions under a lease, in order.

    Attributes:
        invocations: Signed ``Invocation`` each.
    """

    invocations: Annotated[list[SignedInvocation], Meta(max_length=512)]


class RefusedInvocation(Struct, frozen=True):
    """One refusal of a report.

    Attributes:
        sequence: Sequence number of the invocation.
        code: Code of the refusal.
    """

    sequence: Number
    code: Code


class ReportResult(Struct, frozen=True):
    """What a report has counted.

    Attributes:
        sequence: Last accepted sequence number; 0: none.
        refused: The invocations that were not counted.
        usage: What the listener has used of the last invocation's content; null without invocations.
        heard_ms: Heard time of the last invocation's ticket, milliseconds.
        intervals: Full intervals of that ticket.
    """

    sequence: Number
    refused: list[RefusedInvocation]
    usage: UsageCounters | None
    heard_ms: Number
    intervals: Number


class Destroyed(Request, tag="destroyed"):
    """States, signed by the device, that it has destroyed its keys of a content, as the terms require.

    Attributes:
        content: The content's address.
        listener: Address of the listener key.
        time_ms: When the keys were destroyed, Unix milliseconds.
        code: Code of the refusal that required it.
        signature: The device's, over keccak("gomaa/1 destroyed" ‖ content ‖ listener ‖ uint64 time_ms ‖ code).
    """

    content: Address
    listener: Address
    time_ms: Number
    code: Code
    signature: SignatureText


class DestroyedResult(Struct, frozen=True):
    """The notice is stored; a repeated one changes nothing."""
