"""What a transaction of a site does, in the few words that can be said for certain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pywallet.platform import keccak256

_UNLIMITED: Final = 1 << 160


@dataclass(frozen=True)
class Call:
    """``kind`` names a sentence: coin, transfer, approve, allowance, take, operator, unknown.

    ``other`` is the address that gets tokens or rights, ``amount`` the token's smallest unit (None where there is none).
    """

    kind: str
    other: bytes | None = None
    amount: int | None = None
    unlimited: bool = False
    method: bytes = b""


def _selector(text: str) -> bytes:
    return keccak256(text.encode())[:4]


# Signature, the kind, then which words are other and amount.
_KNOWN: Final = (
    ("transfer(address,uint256)", "transfer", 0, 1, 2),
    ("approve(address,uint256)", "approve", 0, 1, 2),
    ("increaseAllowance(address,uint256)", "allowance", 0, 1, 2),
    ("transferFrom(address,address,uint256)", "take", 1, 2, 3),
    ("setApprovalForAll(address,bool)", "operator", 0, 1, 2),
)


def read_call(data: bytes) -> Call:
    """The call's meaning. Data that is a known call and more, or a word that is no address, is unknown."""
    if not data:
        return Call("coin")
    method, words = data[:4], [data[i : i + 32] for i in range(4, len(data), 32)]
    for text, kind, other, amount, count in _KNOWN:
        if method != _selector(text) or len(data) != 4 + 32 * count or any(words[other][:12]):
            continue
        value = int.from_bytes(words[amount], "big")
        if kind == "operator":
            return Call(kind, words[other][12:], None, value != 0, method)
        return Call(kind, words[other][12:], value, value >= _UNLIMITED - 1, method)
    return Call("unknown", method=method)
