"""Typed access to a payload's fields; a missing field or wrong type raises InputError ``message.schema``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pywallet.encoding.hex import from_hex
from pywallet.errors import InputError
from pywallet.protocol import Domain


class Payload:
    """A JSON object from the engine."""

    def __init__(self, raw: Any, name: str = "payload") -> None:
        if not isinstance(raw, Mapping):
            raise _wrong(name, "an object expected")
        self._raw = raw

    def has(self, name: str) -> bool:
        """True if the field is present and not null."""
        return self._raw.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A string."""
        value = self._raw.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise _wrong(name, "a text expected")
        return value

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """An integer in a range, both ends included."""
        value = self._raw.get(name)
        if value is None and default is not None:
            return default
        if type(value) is not int or not low <= value <= high:
            raise _wrong(name, f"an integer from {low} to {high}")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of at most 16 texts of 64 characters each."""
        value = self._raw.get(name)
        if (
            not isinstance(value, list)
            or len(value) > 16
            or not all(isinstance(x, str) and len(x) <= 64 for x in value)
        ):
            raise _wrong(name, "a list of texts expected")
        return value

    def numbers(self, name: str, most: int) -> list[float]:
        """A list of at most ``most`` numbers."""
        value = self._raw.get(name)
        if not isinstance(value, list) or len(value) > most or not all(type(x) in (int, float) for x in value):
            raise _wrong(name, "a list of numbers expected")
        return value

    def whole_numbers(self, name: str, high: int) -> dict[str, int]:
        """An object of at most 32 integers from 0 to ``high``; empty where absent."""
        value = self._raw.get(name) if self.has(name) else {}
        if not isinstance(value, Mapping) or len(value) > 32:
            raise _wrong(name, "an object of numbers expected")
        inside = Payload(value, name)
        return {str(key): inside.integer(key, 0, high) for key in value}

    def amount(self, name: str, default: int | None = None) -> int:
        """An amount in wei, as a decimal string."""
        value = self._raw.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 78:
            raise _wrong(name, "a decimal string expected")
        return int(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        value = self._raw.get(name)
        if value is None:
            return default
        if type(value) is not bool:
            raise _wrong(name, "true or false expected")
        return value

    def address(self, name: str) -> bytes:
        """An address, 0x-hex of 20 bytes."""
        try:
            return from_hex(self._raw.get(name), 20)
        except InputError:
            raise _wrong(name, "an address expected") from None

    def part(self, name: str) -> Payload:
        """A nested object; empty where absent."""
        return Payload(self._raw[name] if self.has(name) else {}, name)

    def parts(self, name: str) -> list[Payload]:
        """A list of objects."""
        return [Payload(item, name) for item in self._list(name)]

    def integers(self, name: str, low: int, high: int) -> list[int]:
        """A list of integers in a range."""
        return [Payload({name: item}).integer(name, low, high) for item in self._list(name)]

    def domain(self) -> Domain:
        """The EIP-712 domain from chain_id and settlement."""
        return Domain(self.integer("chain_id", 1, (1 << 256) - 1), self.address("settlement"))

    def _list(self, name: str) -> list[Any]:
        value = self._raw.get(name)
        if not isinstance(value, list):
            raise _wrong(name, "a list expected")
        return value


def _wrong(name: str, reason: str) -> InputError:
    return InputError("message.schema", field=name, reason=reason)
