"""Arguments of a contract's call, decoded strictly.

Only data that is the member canonical encoding of its values is read.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywallet.errors import InputError

MOST_VALUES: Final = 2048
_ARRAY: Final = re.compile(r"(.+)\[([1-9][0-9]{0,3})?\]\Z")
_UINT: Final = re.compile(r"uint([0-9]{1,3})\Z")
_WORD: Final = 32


def split(types: str) -> list[str]:
    """The members of a list of types: ``address,(uint8,bytes)[]`` has two."""
    out, depth, start = [], 0, 0
    for at, c in enumerate(types):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            out.append(types[start:at])
            start = at + 1
    return [*out, types[start:]] if types else []


def decode(types: str, data: bytes) -> list[Any]:
    """The values of the arguments ``types`` (such as ``address,uint256[]``).

    Addresses and bytes as bytes, arrays and tuples as lists.

    Raises:
        InputError: message.schema where the data is not exactly the canonical encoding: bytes behind it, offsets of
            another
            order, dirty words, lengths beyond the data.
    """
    kind = f"({types})"
    values: list[Any] = _AbiDecoder(data).read(kind, 0)
    if encode(kind, values) != data:
        raise _wrong()
    return values


def encode(kind: str, value: Any) -> bytes:
    """The canonical encoding of a value; of a tuple's members without an offset to it."""
    members = _members(kind, value)
    if members is not None:
        head, tail = b"", b""
        size = sum(_size(member) for member, _ in members)
        for member, item in members:
            if _dynamic(member):
                head += (size + len(tail)).to_bytes(_WORD, "big")
                tail += encode(member, item)
            else:
                head += encode(member, item)
        count = len(value).to_bytes(_WORD, "big") if kind.endswith("[]") else b""
        return count + head + tail
    if kind in ("bytes", "string"):
        return len(value).to_bytes(_WORD, "big") + bytes(value) + bytes(-len(value) % _WORD)
    if kind == "bytes32":
        return bytes(value)
    return bytes(value).rjust(_WORD, b"\0") if kind == "address" else int(value).to_bytes(_WORD, "big")


def _wrong() -> InputError:
    return InputError("message.schema", field="data", reason="not the canonical encoding of this call")


def _members(kind: str, value: Any) -> list[tuple[str, Any]] | None:
    """(type, value) of a tuple's or an array's members; None for another type."""
    array = _ARRAY.match(kind)
    if array:
        return [(array[1], item) for item in value]
    return list(zip(split(kind[1:-1]), value, strict=True)) if kind.startswith("(") else None


def _dynamic(kind: str) -> bool:
    array = _ARRAY.match(kind)
    if array:
        return array[2] is None or _dynamic(array[1])
    return any(map(_dynamic, split(kind[1:-1]))) if kind.startswith("(") else kind in ("bytes", "string")


def _size(kind: str) -> int:
    """Bytes of a type in the head."""
    if _dynamic(kind):
        return _WORD
    array = _ARRAY.match(kind)
    if array:
        return int(array[2]) * _size(array[1])
    return sum(map(_size, split(kind[1:-1]))) if kind.startswith("(") else _WORD


class _AbiDecoder:
    """Values at their places; counts them, so that offsets which point back cannot ask for endless work."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = MOST_VALUES

    def read(self, kind: str, at: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise _wrong()
        array = _ARRAY.match(kind)
        if array:
            length = int(array[2]) if array[2] else self._number(at)
            if length > self._left:
                raise _wrong()
            return self._list([array[1]] * length, at if array[2] else at + _WORD)
        if kind.startswith("("):
            return self._list(split(kind[1:-1]), at)
        if kind in ("bytes", "string"):
            return self._bytes(at + _WORD, self._number(at))
        word = self._bytes(at, _WORD)
        if kind == "bytes32":
            return word
        number = int.from_bytes(word, "big")
        if kind == "address":
            return word[12:]
        bits = 1 if kind == "bool" else int(_UINT.match(kind)[1])  # type: ignore[index]
        if number >> bits:
            raise _wrong()
        return bool(number) if kind == "bool" else number

    def _list(self, kinds: list[str], base: int) -> list[Any]:
        out, at = [], base
        for kind in kinds:
            out.append(self.read(kind, base + self._number(at) if _dynamic(kind) else at))
            at += _size(kind)
        return out

    def _number(self, at: int) -> int:
        return int.from_bytes(self._bytes(at, _WORD), "big")

    def _bytes(self, at: int, length: int) -> bytes:
        if at + length > len(self._data):
            raise _wrong()
        return self._data[at : at + length]
