"""Typed data as a tree of fields in the declared order, for display."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pywallet.encoding.hex import checksum
from pywallet.provider.readings import Reading, moves_assets, read
from pywallet.provider.safe_text import visible
from pywallet.provider.typed import TypedData, TypedValue, plain_text


@dataclass(frozen=True)
class TypedDataView:
    """Typed data for display; texts have invisible characters escaped.

    Attributes:
        primary: Name of the message's struct.
        name: Of the domain.
        version: Of the domain.
        chain_id: Of the domain; None where it has none, and the signature is valid on every network.
        contract: Of the domain (EIP-55); None where it has none, and the signature is valid for every contract.
        readings: Permissions that the signature gives; empty for a harmless message.
        spends: True if the message may move assets of the account.
        unlimited: True if a permission has no limit.
        domain: Tree of the domain's fields.
        message: Tree of the message's fields.
    """

    primary: str
    name: str
    version: str
    chain_id: int | None
    contract: str | None
    readings: tuple[Reading, ...]
    spends: bool
    unlimited: bool
    domain: list[dict[str, Any]]
    message: list[dict[str, Any]]


def view_of(data: TypedData) -> TypedDataView:
    """Convert parsed data for display: every declared field in full, invisible characters escaped."""
    readings = read(data)
    contract = data.domain_field("verifyingContract")
    chain_id = data.domain_field("chainId")
    return TypedDataView(
        primary=data.primary,
        name=visible(str(data.domain_field("name") or "")),
        version=visible(str(data.domain_field("version") or "")),
        chain_id=chain_id if isinstance(chain_id, int) else None,
        contract=checksum(contract) if isinstance(contract, bytes) else None,
        readings=readings,
        spends=moves_assets(data, readings),
        unlimited=any(reading.unlimited for reading in readings),
        domain=_tree(data.domain),
        message=_tree(data.message),
    )


def _tree(value: TypedValue) -> list[dict[str, Any]]:
    return [_node(name, part) for name, part in value.parts or ()]


def _node(name: str, value: TypedValue) -> dict[str, Any]:
    node: dict[str, Any] = {"name": name, "type": value.kind}
    return (
        {**node, "parts": _tree(value)}
        if value.parts is not None
        else {**node, "value": visible(plain_text(value), edges=True)}
    )
