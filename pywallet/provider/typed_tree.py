"""Typed data as a tree of fields for a screen, in the declared order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pywallet.encoding.hex import checksum
from pywallet.provider.readings import Reading, moves, read
from pywallet.provider.safe_text import visible
from pywallet.provider.typed import TypedData, TypedValue, plain_text


@dataclass(frozen=True)
class TypedDataView:
    """``contract`` (EIP-55) and ``chain_id`` are None where the domain leaves them out.

    Then the signature holds elsewhere too.

    ``readings``: what the message allows; empty where it is harmless. ``spends``: it may move what the account owns.
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


def show(data: TypedData) -> TypedDataView:
    """What a person sees before signing: every declared field, nothing cut off, unseen characters spelt out."""
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
        spends=moves(data, readings),
        unlimited=any(one.unlimited for one in readings),
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
