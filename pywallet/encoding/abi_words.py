"""Contract ABI: strict decoding of call arguments. Only the canonical encoding of the values is accepted."""

from __future__ import annotations

import re
from typing import Any, Final

from pywallet.errors import InputError

MAX_VALUES: Final = 2048
_ARRAY: Final = re.compile(r"(.+)\[([1-9][0-9]{0,3})?\]\Z")
_UINT: Final = re.compile(r"uint([0-9]{1,3})\Z")
_WORD: Final = 32


def split(types: str) -> list[str]:
    """Split a list of types at its top level: ``address,(uint8,bytes)[]`` has two members."""
    out, depth, start = [], 0, 0
    for at, c in enumerate(types):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            out.append(types[start:at])
            start = at + 1
    return [*out, types[start:]] if types else []


def decode(types: str, data: bytes) -> list[Any]:
    """Decode arguments.

    Args:
        types: Their types, such as ``address,uint256[]``.
        data: Call data without the selector.

    Returns:
        The values; addresses and bytes as bytes, arrays and tuples as lists.

    Raises:
        InputError: ``message.schema`` unless the data is exactly the canonical encoding: for trailing bytes, offsets in
            another order, non-zero padding and lengths beyond the data.
    """
    kind = f"({types})"
    values: list[Any] = _AbiDecoder(data).read(kind, 0)
    if encode(kind, values) != data:
        raise _not_canonical()
    return values


def encode(kind: str, value: Any) -> bytes:
    """Encode a value canonically; a tuple without an offset to it."""
    members = _members(kind, value)
    if members is not None:
        head, tail = b"", b""
        size = sum(_head_size(member) for member, _ in members)
        for member, item in members:
            if _is_dynamic(member):
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


def _not_canonical() -> InputError:
    return InputError("message.schema", field="data", reason="not the canonical encoding of this call")


def _members(kind: str, value: Any) -> list[tuple[str, Any]] | None:
    """(type, value) of each member of a tuple or array; None for another type."""
    array = _ARRAY.match(kind)
    if array:
        return [(array[1], item) for item in value]
    return list(zip(split(kind[1:-1]), value, strict=True)) if kind.startswith("(") else None


def _is_dynamic(kind: str) -> bool:
    array = _ARRAY.match(kind)
    if array:
        return array[2] is None or _is_dynamic(array[1])
    return any(map(_is_dynamic, split(kind[1:-1]))) if kind.startswith("(") else kind in ("bytes", "string")


def _head_size(kind: str) -> int:
    """Bytes that a type takes in the head."""
    if _is_dynamic(kind):
        return _WORD
    array = _ARRAY.match(kind)
    if array:
        return int(array[2]) * _head_size(array[1])
    return sum(map(_head_size, split(kind[1:-1]))) if kind.startswith("(") else _WORD


class _AbiDecoder:
    """Reads values at offsets. Limits their number, since offsets that point back could make the work endless."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = MAX_VALUES

    def read(self, kind: str, at: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise _not_canonical()
        array = _ARRAY.match(kind)
        if array:
            length = int(array[2]) if array[2] else self._number(at)
            if length > self._left:
                raise _not_canonical()
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
            raise _not_canonical()
        return bool(number) if kind == "bool" else number

    def _list(self, kinds: list[str], base: int) -> list[Any]:
        out, at = [], base
        for kind in kinds:
            out.append(self.read(kind, base + self._number(at) if _is_dynamic(kind) else at))
            at += _head_size(kind)
        return out

    def _number(self, at: int) -> int:
        return int.from_bytes(self._bytes(at, _WORD), "big")

    def _bytes(self, at: int, length: int) -> bytes:
        if at + length > len(self._data):
            raise _not_canonical()
        return self._data[at : at + length]
