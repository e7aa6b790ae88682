"""Deterministic CBOR (RFC 8949 section 4.2.1): strict decoding in one pass, within limits.

A general decoder would first build what a signed header must not contain (indefinite lengths, integers that are not in
their shortest form, keys repeated or out of order, floats, tags), at a cost in time and memory that the input
determines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cbor2

from pywallet.errors import InputError

MAX_DEPTH: Final = 16
_BIGNUM: Final = 2
_BYTES: Final = 2
"""Major type of a byte string."""
_LEAST: Final = {1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}
"""Least value of an argument by its length in bytes."""
_from_bytes: Final = int.from_bytes
_SIMPLE: Final = {0xF4: False, 0xF5: True, 0xF6: None}


@dataclass(frozen=True)
class DecodeLimits:
    """Limits of one input: items in all, bytes of one string, entries of one list, pairs of one map."""

    items: int = 400_000
    string: int = 1 << 16
    entries: int = 100_000
    pairs: int = 1024


LIMITS: Final = DecodeLimits()


def dumps(value: Any) -> bytes:
    """Encode deterministically."""
    return cbor2.dumps(value, canonical=True)


def loads(data: bytes, tags: frozenset[int] = frozenset(), limits: DecodeLimits = LIMITS) -> Any:
    """Decode exactly one item: integers, byte and text strings, lists, maps with text keys, false, true and null.

    Args:
        data: The encoded item.
        tags: Numbers of the tags that are allowed, decoded as ``cbor2.CBORTag``; bignums are always allowed.
        limits: Limits of the input.

    Raises:
        InputError: ``sps.header.malformed`` for anything else, trailing bytes included.
    """
    reader = _CborDecoder(data, tags, limits)
    value = reader.item(0)
    if reader.at != len(data):
        raise _malformed("bytes after the item", reader.at)
    return value


def _malformed(reason: str, at: int) -> InputError:
    return InputError("sps.header.malformed", reason=reason, offset=at)


class _CborDecoder:
    __slots__ = ("at", "data", "end", "left", "limits", "tags")

    def __init__(self, data: bytes, tags: frozenset[int], limits: DecodeLimits) -> None:
        self.data, self.at, self.end, self.tags = bytes(data), 0, len(data), tags
        self.limits, self.left = limits, limits.items

    def item(self, depth: int) -> Any:
        """Decode the item at ``at`` and advance beyond it. Optimised for the many small rows of a segment index."""
        data, start = self.data, self.at
        if start >= self.end:
            raise _malformed("ends too early", start)
        self.left -= 1
        if self.left < 0:
            raise _malformed("too many items", start)
        first = data[start]
        value = first & 31
        at = start + 1
        if value >= 24:
            if value > 27:
                raise _malformed("indefinite or reserved length", start)
            size = 1 << value - 24
            at += size
            if at > self.end:
                raise _malformed("ends too early", start)
            value = _from_bytes(data[start + 1 : at], "big")
            if value < _LEAST[size]:
                raise _malformed("not the shortest form", start)
        self.at = at
        major = first >> 5
        # In the order of their frequency.
        if major == 0:
            return value
        if major == 2:
            return self.string(value)
        if major == 4:
            return self.array(value, depth)
        if major == 3:
            return self.text(value)
        if major == 5:
            return self.table(value, depth)
        if major == 1:
            return -1 - value
        if major == 6:
            return self.tag(value, depth, start)
        if first not in _SIMPLE:
            raise _malformed("only false, true and null", start)
        return _SIMPLE[first]

    def string(self, length: int) -> bytes:
        at = self.at
        if length > self.limits.string:
            raise _malformed("a string too long", at)
        end = at + length
        if end > self.end:
            raise _malformed("longer than the input", at)
        self.at = end
        return self.data[at:end]

    def text(self, length: int) -> str:
        at = self.at
        try:
            return self.string(length).decode("utf-8")
        except UnicodeDecodeError:
            raise _malformed("not UTF-8", at) from None

    def deeper(self, depth: int, count: int, most: int) -> None:
        if depth >= MAX_DEPTH:
            raise _malformed("nested too deeply", self.at)
        # Every item takes at least one byte, so a count beyond the input is refused before any memory is used.
        if count > most or count > self.end - self.at:
            raise _malformed("too many entries", self.at)

    def array(self, count: int, depth: int) -> list[Any]:
        self.deeper(depth, count, self.limits.entries)
        return [self.item(depth + 1) for _ in range(count)]

    def table(self, count: int, depth: int) -> dict[str, Any]:
        self.deeper(depth, count, self.limits.pairs)
        out: dict[str, Any] = {}
        last = b""
        for _ in range(count):
            at = self.at
            key = self.item(depth + 1)
            if type(key) is not str:
                raise _malformed("a key that is not text", at)
            encoded = self.data[at : self.at]
            if encoded <= last:
                raise _malformed("keys out of order or repeated", at)
            last = encoded
            out[key] = self.item(depth + 1)
        return out

    def tag(self, number: int, depth: int, start: int) -> Any:
        if number != _BIGNUM and number not in self.tags:
            raise _malformed(f"tag {number}", start)
        at = self.at
        if number != _BIGNUM:
            self.deeper(depth, 0, 0)
            return cbor2.CBORTag(number, self.item(depth + 1))
        # Only a byte string may follow, so there is no nesting. It counts as an item.
        value = self.item(depth + 1) if at < self.end and self.data[at] >> 5 == _BYTES else None
        # 9 to 16 bytes without leading zeros: shorter values are plain integers, longer ones exceed any amount.
        if type(value) is not bytes or not 9 <= len(value) <= 16 or value[0] == 0:
            raise _malformed("not the shortest form", at)
        return int.from_bytes(value, "big")
