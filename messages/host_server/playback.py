"""Requests of a host about plays: tickets, leases, invocations."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from messages.fields import Address, Count, Hash, Index, Key, Number, SignatureText
from messages.host_server.request import Request
from messages.signed import SignedInvocation, SignedSession, SignedTicket


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

    session: SignedSession
    ticket: SignedTicket
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

    invocation: SignedInvocation
    first: Index
    count: Count
    key: Key
    rendition: Annotated[int, Meta(ge=0, lt=1 << 16)] | None = None


class Report(Request, tag="report"):
    """Reports actions under a lease, in order."""

    invocations: Annotated[list[SignedInvocation], Meta(max_length=512)]


class Destroyed(Request, tag="destroyed"):
    """States, signed by the device, that it has destroyed its keys of a content."""

    content: Address
    listener: Address
    time_ms: Number
    code: Annotated[str, Meta(max_length=64)]
    signature: SignatureText
