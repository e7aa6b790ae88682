"""Messages about the connection itself: handshake, networks, state of the installation, and the reply envelope."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from messages.fields import Address, ErrorObject, Message, Number, Origin, Text


class Reply(Struct, frozen=True):
    """Reply to a request that succeeded.

    Attributes:
        id: Number of the request.
        ok: Always true.
        result: The operation's result.
    """

    id: Number
    result: Any
    ok: Literal[True] = True


class Failure(Struct, frozen=True):
    """Reply to a request that failed.

    Attributes:
        id: Number of the request; 0 where the frame could not be read.
        ok: Always false.
        error: The failure.
    """

    id: Number
    error: ErrorObject
    ok: Literal[False] = False


class Part(Struct, frozen=True):
    """One of several frames that together carry a reply or an event longer than 1 MiB.

    Attributes:
        id: Number of the request; 0 for an event.
        part: Number of this frame, from 1. The frames come in order, with no other frame between them.
        parts: Number of frames.
        data: Base64 of a part of the message's JSON in UTF-8.
    """

    id: Number
    part: Annotated[int, Meta(ge=1)]
    parts: Annotated[int, Meta(ge=1)]
    data: bytes


class NetworkEntry(Struct, frozen=True):
    """A network of this host.

    Attributes:
        chain_id: EIP-155 chain id.
        settlement: Address of the settlement contract.
        token: Address of the token contract.
        registry: Address of the registry contract.
        epoch_s: Length of an epoch, seconds.
    """

    chain_id: Number
    settlement: Address
    token: Address
    registry: Address
    epoch_s: Number


class Hello(Struct, frozen=True):
    """First request of a connection: compares protocol versions and starts the host's services.

    Attributes:
        protocol: Version of this protocol that the extension speaks: 1.
        extension: Version of the extension.
        browser: Name and version of the browser.
    """

    protocol: Number
    extension: Text = ""
    browser: Text = ""


class HelloResult(Struct, frozen=True):
    """Versions and networks of the host.

    Attributes:
        protocol: Version of this protocol that the host speaks.
        host: Version of the host.
        capabilities: Optional features of this host.
        networks: Networks of this host.
    """

    protocol: Number
    host: str
    capabilities: list[str]
    networks: list[NetworkEntry]


class Network(Struct, frozen=True):
    """Adds a network that a station names, after the user's consent.

    The deployment is compared with the network's node before it is saved.

    Refused with ``host.network.insecure`` for a connection that others can change, or a node of this computer that
    a station elsewhere names, with ``host.network.mismatch`` for another deployment than the node's, and with
    ``host.network.taken`` for a chain id in use.

    Attributes:
        origin: Origin of the station.
        network: The deployment in the station's record ``/.well-known/gomaa.json``.
    """

    origin: Origin
    network: Message


class NetworkResult(Struct, frozen=True):
    """Networks of the host after the addition.

    Attributes:
        networks: As in the result of ``hello``.
    """

    networks: list[NetworkEntry]


class Doctor(Struct, frozen=True):
    """Checks device key, ledger and networks, and that chain and servers answer."""


class Check(Struct, frozen=True):
    """Result of one check.

    Attributes:
        name: Name of the check.
        ok: True if it is in order.
        message: The finding, or the repair.
    """

    name: str
    ok: bool
    message: str


class DoctorResult(Struct, frozen=True):
    """Results of all checks.

    Attributes:
        checks: In the order they ran.
    """

    checks: list[Check]


class Status(Struct, frozen=True):
    """State of the connection to the host. Answered by the background; it never reaches the host."""


class StatusResult(Struct, frozen=True):
    """State of the connection to the host.

    Attributes:
        state: ``missing``: no host is installed or it did not start; ``version``: it speaks another protocol version;
            ``gone``: it has ended.
        version: Version of the host; null if it is not known.
        networks: Networks of the host, as in the result of ``hello``.
        code: Code of the error with which the host did not start; null if there is none.
    """

    state: Literal["connected", "missing", "version", "gone"]
    version: str | None
    networks: list[NetworkEntry]
    code: str | None
