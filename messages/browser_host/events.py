"""Events of the host: messages to the extension that answer no request. Field ``event`` has the name."""

from __future__ import annotations

from msgspec import Struct

from messages.browser_host.connection import NetworkEntry
from messages.fields import Address, Number, Wei


class Event(Struct, frozen=True, tag_field="event"):
    """Base of the events."""


class Revoked(Event, frozen=True, tag="revoked"):
    """The chain says that a content is revoked or destroyed. Its keys are erased and no more are released.

    Attributes:
        stream: Name of the stream.
        content: Address of the content.
        code: ``content.revoked`` or ``content.destroyed``.
    """

    stream: str
    content: Address
    code: str


class Destroyed(Event, frozen=True, tag="destroyed"):
    """The terms have ended a content's use on this device. Its keys are erased and no more are released.

    Attributes:
        stream: Name of the stream whose action was refused.
        content: Address of the content.
        code: Code of the refusal.
    """

    stream: str
    content: Address
    code: str


class ReceiptIssued(Event, frozen=True, tag="receipt"):
    """A security server has issued a receipt.

    Attributes:
        stream: Name of the stream whose session has the payee; empty if none is open.
        epoch: Number of the epoch.
        amount_wei: Amount earned by the payee in the epoch.
        payee: Address of the payee.
    """

    stream: str
    epoch: Number
    amount_wei: Wei
    payee: Address


class ProblemFound(Event, frozen=True, tag="problem"):
    """A fault that belongs to no request.

    Attributes:
        stream: Name of the stream; empty if it concerns none.
        code: Registered code.
        message: The code's sentence for a person, in English.
    """

    stream: str
    code: str
    message: str


class ServerState(Event, frozen=True, tag="server"):
    """The connection to a security server has begun or ended.

    Attributes:
        up: True if it is connected.
    """

    up: bool


class NetworksChanged(Event, frozen=True, tag="networks"):
    """A network was added.

    Attributes:
        networks: All networks, as in the result of ``hello``.
    """

    networks: list[NetworkEntry]
