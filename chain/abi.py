"""Encoding of calls and decoding of results and logs by the contracts' ABIs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pywallet.crypto import keccak256
from pywallet.errors import GomaaError

# eth_abi is imported at the first use: its import takes longer than the rest of a host's start.


def encode(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """Encode values by ABI types."""
    from eth_abi.abi import encode as encode_abi

    return encode_abi(types, values)


def decode(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """Decode values by ABI types; raises one of ``decoding_errors()`` for other data."""
    from eth_abi.abi import decode as decode_abi

    return decode_abi(types, data)


def decoding_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions of ``decode``."""
    from eth_abi.exceptions import DecodingError

    return DecodingError, OverflowError


@dataclass(frozen=True)
class Function:
    """One function of a contract: ABI types of its inputs and outputs, and its selector (4 bytes)."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    selector: bytes

    def encode(self, *args: Any) -> bytes:
        """Encode call data."""
        return self.selector + encode(self.inputs, args)

    def decode(self, data: bytes) -> tuple[Any, ...]:
        """Decode the results.

        Raises:
            GomaaError: ``chain.mismatch`` if they are not this function's.
        """
        try:
            return decode(self.outputs, data)
        except decoding_errors() as e:
            raise GomaaError("chain.mismatch", function=self.name, reason=type(e).__name__) from None


@dataclass(frozen=True)
class Event:
    """One event of a contract: names, ABI types and indexed flags of its fields, and keccak of its signature."""

    name: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    indexed: tuple[bool, ...]
    topic: bytes

    def decode(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """Decode a log's fields by name; addresses as bytes."""
        unindexed = [kind for kind, is_indexed in zip(self.types, self.indexed, strict=True) if not is_indexed]
        values = iter(decode(unindexed, data))
        indexed = iter(topics[1:])
        fields = {}
        for name, kind, is_indexed in zip(self.names, self.types, self.indexed, strict=True):
            fields[name] = _normalised(decode([kind], next(indexed))[0] if is_indexed else next(values))
        return fields


def _normalised(value: Any) -> Any:
    return to_address(value) if isinstance(value, str) and len(value) == 42 and value.startswith("0x") else value


def to_address(text: str) -> bytes:
    """The 20 bytes of a 0x-hex address."""
    return bytes.fromhex(text[2:])


@cache
def _abis() -> Mapping[str, list[dict[str, Any]]]:
    loaded: dict[str, list[dict[str, Any]]] = json.loads(files("chain").joinpath("abi.json").read_text())
    return loaded


def _type(spec: Mapping[str, Any]) -> str:
    kind = str(spec["type"])
    if kind.startswith("tuple"):
        return f"({','.join(_type(part) for part in spec['components'])}){kind[5:]}"
    return kind


@cache
def function(contract: str, name: str) -> Function:
    """A function by name; KeyError if the contract has none."""
    for entry in _abis()[contract]:
        if entry["type"] == "function" and entry["name"] == name:
            inputs = tuple(map(_type, entry["inputs"]))
            text = f"{name}({','.join(inputs)})"
            return Function(name, inputs, tuple(map(_type, entry["outputs"])), keccak256(text.encode())[:4])
    raise KeyError(f"{contract}.{name}")


@cache
def event(contract: str, name: str) -> Event:
    """An event by name; KeyError if the contract has none."""
    for entry in _abis()[contract]:
        if entry["type"] == "event" and entry["name"] == name:
            types = tuple(map(_type, entry["inputs"]))
            topic = keccak256(f"{name}({','.join(types)})".encode())
            return Event(
                name,
                tuple(i["name"] for i in entry["inputs"]),
                types,
                tuple(i["indexed"] for i in entry["inputs"]),
                topic,
            )
    raise KeyError(f"{contract}.{name}")
