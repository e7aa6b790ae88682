"""Readings of typed data (EIP-712): the permissions that a signature gives, by the structs anywhere in the message.

Fields are compared, not the names of structs, which a site may choose. A message that is neither recognised nor
harmless has the reading ``unknown``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pywallet.provider.calls import UNLIMITED
from pywallet.provider.safe_text import visible
from pywallet.provider.typed import TypedData, TypedValue, plain_text
from pywallet.provider.types import innermost

_AMOUNTS: Final = ("value", "amount", "allowance", "rawAmount", "wad")
_ENDS: Final = (
    "deadline",
    "sigDeadline",
    "expiry",
    "validBefore",
    "expiration",
    "validUntil",
    "validUntilTime",
    "endTime",
)
# A name with a dot (of a site or an account), or an address.
_NAMES: Final = re.compile(r"\w\.\w\w|[0-9a-f]{40}", re.IGNORECASE)
# A sentence may end with a year.
_YEAR: Final = re.compile(r"\s(?:19|20)[0-9]{2}\W?\Z")
_WORDS: Final = 3
_CANCEL: Final = (("authorizer", "address"), ("nonce", "bytes32"))
_VOTES: Final = (("delegatee", "address"), ("nonce", "uint256"), ("expiry", "uint256"))


@dataclass(frozen=True)
class Reading:
    """One permission.

    Attributes:
        kind: permit (of tokens), permit_item, transfer (when the message is submitted), cancel, order, safe, forward (a
            call in the account's name), votes, code (EIP-7702), unknown.
        unlimited: True if the amount has no limit.
        lines: (label, text) pairs; labels: gets, from, token, amount, item, until (last submission), ends (end of the
            permission), call, bound.
    """

    kind: str
    unlimited: bool
    lines: tuple[tuple[str, str], ...]


def read(data: TypedData) -> tuple[Reading, ...]:
    """All permissions of a message; empty for a harmless one."""
    readings = tuple(_walk(data.message))
    return readings if readings or is_harmless(data) else (Reading("unknown", False, ()),)


def moves_assets(data: TypedData, readings: tuple[Reading, ...]) -> bool:
    """True if a message may move assets: by its reading, or since it has an address and a number."""
    if any(reading.kind not in ("unknown", "cancel", "votes") for reading in readings):
        return True
    kinds = {innermost(kind) for name in data.types.reach(data.primary) for _, kind in data.types.structs[name]}
    return "address" in kinds and any(kind.startswith(("uint", "int")) for kind in kinds)


def is_harmless(data: TypedData) -> bool:
    """True for a message of texts and booleans for no contract, without numbers, addresses and names."""
    kinds = {innermost(kind) for name in data.types.reach(data.primary) for _, kind in data.types.structs[name]}
    if not kinds - set(data.types.structs) <= {"string", "bool"}:
        return False
    if any(name in ("verifyingContract", "salt") for name, _ in data.domain.parts or ()):
        return False
    return not any(isinstance(text, str) and _names_number_or_account(text) for text in _plain(data.message))


def _names_number_or_account(text: str) -> bool:
    """True if a text has a number in any script, or the name of a site or account."""
    year = _YEAR.search(text)
    if year and len(text[: year.start()].split(maxsplit=_WORDS)) >= _WORDS:
        text = text[: year.start()]
    return any(unicodedata.category(c)[0] == "N" for c in text) or bool(_NAMES.search(text))


def _plain(value: TypedValue) -> Iterator[object]:
    if value.parts is None:
        yield value.plain
    for _, part in value.parts or ():
        yield from _plain(part)


def _walk(value: TypedValue) -> Iterator[Reading]:
    """Readings of a struct and of all structs in it."""
    if value.parts is None:
        return
    if not value.kind.endswith("]"):
        fields = dict(value.parts)
        kind = _kind(fields)
        if kind is not None:
            yield _reading(kind, fields)
    for _, part in value.parts:
        yield from _walk(part)


def _kind(fields: dict[str, TypedValue]) -> str | None:
    names = fields.keys()
    kinds = {name: value.kind for name, value in fields.items()}
    addresses = {name for name, kind in kinds.items() if kind == "address"}
    amount = any(name in names for name in _AMOUNTS)
    if {"spender", "tokenId"} <= names:
        return "permit_item"
    if "spender" in addresses or "permitted" in names or ("operator" in addresses and "approved" in names):
        return "permit"
    if {"from", "to"} <= addresses and amount and names & {"validAfter", "validBefore"}:
        return "transfer"
    # These two give no permission, so they are recognised in the standard's exact form only.
    if tuple(kinds.items()) == _CANCEL:
        return "cancel"
    if tuple(kinds.items()) == _VOTES:
        return "votes"
    if names & {"safeTxGas", "baseGas"} and "to" in names:
        return "safe"
    if _bytes(kinds, "data", "callData", "functionSignature", "calldata", "payload", "initCode") and (
        addresses or names & {"nonce", "deadline"}
    ):
        return "forward"
    if {"offer", "consideration"} <= names or _is_order(names):
        return "order"
    if {"delegate", "delegator"} <= addresses:
        return "forward"
    if {"chainId", "address", "nonce"} == names:
        return "code"
    if {"to", "from"} & addresses and amount:
        return "transfer"
    return None


def _bytes(kinds: dict[str, str], *names: str) -> bool:
    return any(kinds.get(name) in ("bytes", "bytes[]") for name in names)


def _is_order(names: Iterable[str]) -> bool:
    """True for the fields of a trade: given and received assets."""
    text = " ".join(names).lower()
    return any(a in text and b in text for a, b in _SIDES)


_SIDES: Final = (
    ("maker", "taker"),
    ("sell", "buy"),
    ("offerer", "offer"),
    ("seller", "price"),
    ("trader", "price"),
    ("signer", "price"),
    ("collection", "price"),
    ("tokenin", "tokenout"),
    ("inputtoken", "output"),
    ("orderdata", "deadline"),
)


def _reading(kind: str, fields: dict[str, TypedValue]) -> Reading:
    lines: list[tuple[str, str]] = []

    def add(label: str, *names: str) -> None:
        for name in names:
            value = fields.get(name)
            if value is not None and value.parts is None:
                lines.append((label, visible(plain_text(value), edges=True)))

    add("gets", "spender", "to", "target", "delegatee", "taker", "recipient", "operator", "delegate", "address")
    add("from", "owner", "holder", "from", "offerer", "maker", "authorizer", "sender", "delegator")
    details = [part for name in ("permitted", "details") if name in fields for part in _structs(fields[name])]
    for inner in details:
        lines += [(label, visible(plain_text(inner[name]), edges=True)) for label, name in _DETAILS if name in inner]
    add("token", "token", "currency")
    add("amount", *_AMOUNTS)
    add("item", "tokenId")
    add("until", *(name for name in _ENDS if name in fields and fields[name].kind.startswith("uint")))
    add("call", "data", "callData", "functionSignature")
    if "permitted" in fields:
        lines += [("bound", f"{name}: {value.kind}") for name, value in fields.items() if name not in _PERMIT2]
    amounts = [value.plain for group in (fields, *details) for name, value in group.items() if name in _AMOUNTS]
    everything = any(isinstance(amount, int) and amount >= UNLIMITED for amount in amounts)
    allowed = any(name in fields and fields[name].plain is True for name in ("allowed", "approved"))
    return Reading(kind, everything or allowed, tuple(lines))


_DETAILS: Final = (("token", "token"), ("amount", "amount"), ("ends", "expiration"))
_PERMIT2: Final = frozenset({"permitted", "spender", "nonce", "deadline"})


def _structs(value: TypedValue) -> Iterator[dict[str, TypedValue]]:
    """The structs of a field: its value, or the members of an array."""
    if value.parts is None:
        return
    if value.kind.endswith("]"):
        for _, part in value.parts:
            yield from _structs(part)
    else:
        yield dict(value.parts)
