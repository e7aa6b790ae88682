"""Requests that the network's node answers, and about networks and this installation."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from messages.fields import Address, Hash, Hex, Message, Name, Number, Wei


class Simulate(Struct):
    """Cost of an account's call, whether it succeeds, and with ``effects`` what it changes; nothing is sent."""

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
    """Token balances of payees. ``account``: who would take them.

    ``payees``: these addresses; or a page of the payees of ``wallet`` after the address ``after``.
    """

    chain_id: Number
    account: Address
    payees: Annotated[list[Address], Meta(max_length=256)] = []
    wallet: Address | None = None
    after: Address | None = None


class Network(Struct):
    """A network that the station at an origin names, as in its record."""

    origin: Annotated[str, Meta(max_length=512)]
    network: Message


class Doctor(Struct):
    """Check this installation."""
