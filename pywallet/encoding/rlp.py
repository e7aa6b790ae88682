"""RLP, the encoding of Ethereum's transactions (Yellow Paper, appendix B)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Item: TypeAlias = "bytes | int | Sequence[Item]"


def encode(item: Item) -> bytes:
    """Encode bytes, an integer (big-endian without leading zeros; 0 is empty) or a list of items.

    Raises:
        ValueError: A negative integer.
    """
    if isinstance(item, int):
        if item < 0:
            raise ValueError("a number of zero or more")
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _head(len(item), 0x80) + item
    body = b"".join(map(encode, item))
    return _head(len(body), 0xC0) + body


def _head(length: int, offset: int) -> bytes:
    if length < 56:
        return bytes([offset + length])
    size = (length.bit_length() + 7) // 8
    return bytes([offset + 55 + size]) + length.to_bytes(size, "big")
