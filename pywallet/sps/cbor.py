"""Deterministic CBOR (RFC 8949 section 4.2.1), read strictly and within bounds.

cbor2 does the decoding; a structural pass before it refuses what a signed
header must not contain: indefinite lengths, non-shortest numbers, unsorted or
repeated keys, floats, deep nesting, lengths beyond the input.
"""

from __future__ import annotations

from typing import Any, Final

import cbor2

from pywallet.errors import InputError

MAX_DEPTH: Final = 16
_BIGNUM: Final = 2
_SIZES: Final = {24: 1, 25: 2, 26: 4, 27: 8}


def dumps(value: Any) -> bytes:
    """The deterministic encoding."""
    return cbor2.dumps(value, canonical=True)


def loads(data: bytes, tags: frozenset[int] = frozenset()) -> Any:
    """Decode exactly one item. Raises InputError sps.header.malformed for anything that isn't deterministic.

    ``tags`` are allowed besides bignums.
    """
    end = _check(data, 0, 0, tags | {_BIGNUM})
    if end != len(data):
        raise _bad("bytes after the item", end)
    try:
        return cbor2.loads(data)
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError) as e:
        raise InputError("sps.header.malformed", reason=type(e).__name__) from None


def _bad(reason: str, at: int) -> InputError:
    return InputError("sps.header.malformed", reason=reason, offset=at)


def _argument(data: bytes, at: int) -> tuple[int, int, int]:
    """Major type, argument, and the offset after them."""
    if at >= len(data):
        raise _bad("ends too early", at)
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if info < 24:
        return major, info, at
    size = _SIZES.get(info)
    if size is None:
        raise _bad("indefinite or reserved length", at - 1)
    if at + size > len(data):
        raise _bad("ends too early", at)
    value = int.from_bytes(data[at : at + size], "big")
    if major != 7 and value < (24 if size == 1 else 1 << 4 * size):
        raise _bad("not the shortest form", at - 1)
    return major, value, at + size


def _check(data: bytes, at: int, depth: int, tags: frozenset[int]) -> int:
    if depth > MAX_DEPTH:
        raise _bad("nested too deeply", at)
    start = at
    major, value, at = _argument(data, at)
    if major in (0, 1):
        return at
    if major in (2, 3):
        if value > len(data) - at:
            raise _bad("longer than the input", start)
        if major == 3:
            try:
                data[at : at + value].decode("utf-8")
            except UnicodeDecodeError:
                raise _bad("not UTF-8", at) from None
        return at + value
    if major == 4:
        if value > len(data) - at:
            raise _bad("longer than the input", start)
        for _ in range(value):
            at = _check(data, at, depth + 1, tags)
        return at
    if major == 5:
        return _check_map(data, at, value, depth, tags)
    if major == 6:
        if value not in tags:
            raise _bad(f"tag {value}", start)
        if value == _BIGNUM and (
            at >= len(data) or data[at] >> 5 != 2 or data[at] & 31 > 16 or data[at] & 31 < 9 or data[at + 1 : at + 2] == b"\0"
        ):
            raise _bad("not the shortest form", start)
        return _check(data, at, depth + 1, tags)
    if data[start] not in (0xF4, 0xF5, 0xF6):
        raise _bad("only false, true and null", start)
    return at


def _check_map(data: bytes, at: int, count: int, depth: int, tags: frozenset[int]) -> int:
    if count > len(data) - at:
        raise _bad("longer than the input", at)
    last: bytes | None = None
    for _ in range(count):
        end = _check(data, at, depth + 1, tags)
        key = data[at:end]
        # cbor2's canonical order: by length of the encoded key first (RFC 7049), which for text keys under 24
        # characters agrees with the bytewise order of RFC 8949.
        if last is not None and (len(key), key) <= (len(last), last):
            raise _bad("keys out of order or repeated", at)
        last = key
        at = _check(data, end, depth + 1, tags)
    return at
