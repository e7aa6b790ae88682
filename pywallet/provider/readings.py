"""Readings of typed data (EIP-712): what it allows, by the structure of its messages wherever they stand in the tree.

Structure and not names decides: a contract takes a message by its type's hash, and anybody may call a field's struct by
another name. What is not on the short list of harmless kinds is told as unknown.
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
# A name with a dot (of a site or an account), or an address of letters alone.
_NAMES: Final = re.compile(r"\w\.\w\w|[0-9a-f]{40}", re.IGNORECASE)
# A sentence of some words may end with a year.
_YEAR: Final = re.compile(r"\s(?:19|20)[0-9]{2}\W?\Z")
_WORDS: Final = 3
_CANCEL: Final = (("authorizer", "address"), ("nonce", "bytes32"))
_VOTES: Final = (("delegatee", "address"), ("nonce", "uint256"), ("expiry", "uint256"))


@dataclass(frozen=True)
class Reading:
    """``kind`` names a sentence.

    permit (somebody may take tokens), permit_item, transfer (tokens move when it is handed in), cancel, order, safe,
    forward (a call in the account's name), votes, code (EIP-7702), unknown. ``lines``: (label, text) with labels gets,
    from, token, amount, item, until (the message may be handed in), ends (the right does), call, bound.
    """

    kind: str
    unlimited: bool
    lines: tuple[tuple[str, str], ...]


def read(data: TypedData) -> tuple[Reading, ...]:
    """Everything the message allows, none left out; empty for what is harmless."""
    found = tuple(_walk(data.message))
    return found if found or harmless(data) else (Reading("unknown", False, ()),)


def moves(data: TypedData, readings: tuple[Reading, ...]) -> bool:
    """True for a message of those that move assets, or with their parts: an address and a number."""
    if any(one.kind not in ("unknown", "cancel", "votes") for one in readings):
        return True
    kinds = {innermost(kind) for name in data.types.reach(data.primary) for _, kind in data.types.structs[name]}
    return "address" in kinds and any(kind.startswith(("uint", "int")) for kind in kinds)


def harmless(data: TypedData) -> bool:
    """Words and yes or no alone, for no contract: no amount, no address, no name of a site or an account."""
    kinds = {innermost(kind) for name in data.types.reach(data.primary) for _, kind in data.types.structs[name]}
    if not kinds - set(data.types.structs) <= {"string", "bool"}:
        return False
    if any(name in ("verifyingContract", "salt") for name, _ in data.domain.parts or ()):
        return False
    return not any(isinstance(text, str) and _names(text) for text in _plain(data.message))


def _names(text: str) -> bool:
    """Whether a text has a number in any script, or names a site or an account."""
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
    """Readings of a struct, then of all that stands in it."""
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
    # Two that give nothing away: only in the standard's exact form, since any other may mean something else.
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
    if {"offer", "consideration"} <= names or _orders(names):
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


def _orders(names: Iterable[str]) -> bool:
    """Two sides of a trade: what is given and what is taken."""
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
    amounts = [one for group in (fields, *details) for name, one in group.items() if name in _AMOUNTS]
    everything = any(isinstance(one.plain, int) and one.plain >= UNLIMITED for one in amounts)
    allowed = any(name in fields and fields[name].plain is True for name in ("allowed", "approved"))
    return Reading(kind, everything or allowed, tuple(lines))


_DETAILS: Final = (("token", "token"), ("amount", "amount"), ("ends", "expiration"))
_PERMIT2: Final = frozenset({"permitted", "spender", "nonce", "deadline"})


def _structs(value: TypedValue) -> Iterator[dict[str, TypedValue]]:
    """The structs in a field: itself, or the members of an array."""
    if value.parts is None:
        return
    if value.kind.endswith("]"):
        for _, part in value.parts:
            yield from _structs(part)
    else:
        yield dict(value.parts)
