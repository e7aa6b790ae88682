"""Typed data of a site (EIP-712, eth_signTypedData_v4): strict parsing by the declared types.

The parsed values are both displayed and hashed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pywallet.crypto import keccak256
from pywallet.encoding.hex import checksum, from_hex, to_hex
from pywallet.errors import InputError, WalletError
from pywallet.provider.types import DOMAIN, Types, array_of, invalid

MAX_TEXT: Final = 256 * 1024
MAX_VALUES: Final = 4096
_MAX_DEPTH: Final = 24
_MAX_SAFE_INTEGER: Final = (1 << 53) - 1
_KEYS: Final = {"types", "primaryType", "domain", "message"}


@dataclass(frozen=True)
class TypedValue:
    """One value.

    Attributes:
        kind: Declared type.
        plain: The value of an atomic type, or None.
        parts: (name or index, value) pairs of a struct or an array, or None.
        word: Its 32 bytes in ``encodeData``.
    """

    kind: str
    plain: bool | int | bytes | str | None
    parts: tuple[tuple[str, TypedValue], ...] | None
    word: bytes


@dataclass(frozen=True)
class TypedData:
    """Parsed data. ``digest`` is signed, 32 bytes."""

    types: Types
    primary: str
    domain: TypedValue
    message: TypedValue
    digest: bytes

    def domain_field(self, name: str) -> bool | int | bytes | str | None:
        """A field of the domain; None where it is not declared."""
        return next((value.plain for key, value in self.domain.parts or () if key == name), None)


def read_typed(text: str, chain_id: int, own: Collection[bytes] = ()) -> TypedData:
    """Parse the JSON text of eth_signTypedData_v4.

    Args:
        text: The JSON text.
        chain_id: Number of the network that the site is connected to.
        own: Addresses of settlement contracts.

    Raises:
        InputError: ``message.schema`` (with field and reason) for undeclared, missing or mistyped fields, another
            network and ambiguous JSON.
        WalletError: ``wallet.unsupported`` for the domain of GoMAA's settlement, whose messages no site may request.
    """
    if len(text) > MAX_TEXT:
        raise invalid("data", f"at most {MAX_TEXT} characters")
    try:
        raw = json.loads(
            text, object_pairs_hook=_unique_fields, parse_float=_reject_number, parse_constant=_reject_number
        )
    except (ValueError, RecursionError):
        raise invalid("data", "not JSON") from None
    if not isinstance(raw, Mapping) or raw.keys() != _KEYS:
        raise invalid("data", "types, primaryType, domain and message, and nothing else")
    types = Types.read(raw["types"])
    primary = raw["primaryType"]
    if not isinstance(primary, str) or primary not in types.structs or primary == DOMAIN:
        raise invalid("primaryType", "not declared")
    reader = _TypedReader(types)
    domain = reader.read(DOMAIN, raw["domain"], "domain", 0)
    message = reader.read(primary, raw["message"], "message", 0)
    digest = keccak256(b"\x19\x01" + domain.word + message.word)
    data = TypedData(types, primary, domain, message, digest)
    declared = data.domain_field("chainId")
    if declared is not None and declared != chain_id:
        raise invalid("domain.chainId", "another network than this site's")
    name = data.domain_field("name")
    # Sessions, tickets, vouchers and claims move tokens; only GoMAA's own programs may request them.
    if (isinstance(name, str) and "".join(name.casefold().split()) == "gomaasettlement") or data.domain_field(
        "verifyingContract"
    ) in set(own):
        raise WalletError("wallet.unsupported", reason="a message of GoMAA's own settlement")
    return data


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise invalid("data", "a field stands twice")
    return out


def _reject_number(text: str) -> Any:
    raise invalid("data", f"{text[:32]} is no integer")


class _TypedReader:
    """Parses values by their declared types. Limits their number, since a short text could make the work endless."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._left = MAX_VALUES

    def read(self, kind: str, value: Any, path: str, depth: int) -> TypedValue:
        self._left -= 1
        if self._left < 0 or depth > _MAX_DEPTH:
            raise invalid(path, "too many or too deep values")
        array = array_of(kind)
        if array is not None:
            return self._array(kind, array, value, path, depth)
        if kind in self._types.structs:
            return self._struct(kind, value, path, depth)
        plain = _atom(kind, value, path)
        return TypedValue(kind, plain, None, _word(kind, plain))

    def _array(self, kind: str, array: tuple[str, int | None], value: Any, path: str, depth: int) -> TypedValue:
        item, length = array
        if not isinstance(value, list) or (length is not None and len(value) != length):
            raise invalid(path, f"{kind} expected")
        parts = tuple((str(i), self.read(item, member, f"{path}[{i}]", depth + 1)) for i, member in enumerate(value))
        return TypedValue(kind, None, parts, keccak256(b"".join(part.word for _, part in parts)))

    def _struct(self, kind: str, value: Any, path: str, depth: int) -> TypedValue:
        fields = self._types.structs[kind]
        if not isinstance(value, Mapping):
            raise invalid(path, f"{kind} expected")
        names = [name for name, _ in fields]
        for name in names:
            if name not in value:
                raise invalid(f"{path}.{name}", "declared and missing")
        for name in value:
            if name not in names:
                raise invalid(f"{path}.{name}", "not declared")
        parts = tuple((name, self.read(of, value[name], f"{path}.{name}", depth + 1)) for name, of in fields)
        return TypedValue(
            kind, None, parts, keccak256(self._types.type_hash(kind) + b"".join(part.word for _, part in parts))
        )


def _atom(kind: str, value: Any, path: str) -> bool | int | bytes | str:
    if kind == "bool" and type(value) is bool:
        return value
    if kind == "string" and isinstance(value, str) and _is_unicode(value):
        return value
    if kind == "address":
        return _address(value, path)
    if kind.startswith("bytes"):
        length = int(kind[5:]) if kind != "bytes" else None
        try:
            return from_hex(_with_lower_prefix(value), length)
        except InputError:
            raise invalid(path, f"{kind} as 0x-hex expected") from None
    if kind.startswith(("uint", "int")):
        number = _integer(value)
        bits = int(kind.lstrip("uint"))
        low, high = (0, 1 << bits) if kind[0] == "u" else (-(1 << bits - 1), 1 << bits - 1)
        if number is not None and low <= number < high:
            return number
    raise invalid(path, f"{kind} expected")


def _is_unicode(text: str) -> bool:
    """True if a text has no lone surrogate, which has no UTF-8 form."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _address(value: Any, path: str) -> bytes:
    try:
        address = from_hex(_with_lower_prefix(value), 20)
    except InputError:
        raise invalid(path, "an address expected") from None
    letters = value[2:]
    if letters not in (letters.lower(), letters.upper()) and letters != checksum(address)[2:]:
        raise invalid(path, "an address with a wrong checksum")
    return address


def _with_lower_prefix(value: Any) -> Any:
    return "0x" + value[2:] if isinstance(value, str) and value.startswith("0X") else value


def _integer(value: Any) -> int | None:
    """Parse an integer up to 2^53 - 1, or its decimal (canonical) or 0x-hex text; None for other values."""
    if type(value) is int:
        return value if abs(value) <= _MAX_SAFE_INTEGER else None
    if not isinstance(value, str) or not value.isascii() or len(value) > 80:
        return None
    if value[:2].lower() == "0x":
        digits = value[2:]
        return int(digits, 16) if digits and all(c in "0123456789abcdefABCDEF" for c in digits) else None
    digits = value.removeprefix("-")
    return int(value) if digits.isdigit() and str(int(value)) == value else None


def _word(kind: str, plain: bool | int | bytes | str) -> bytes:
    if isinstance(plain, bool):
        return int(plain).to_bytes(32, "big")
    if isinstance(plain, int):
        return plain.to_bytes(32, "big", signed=plain < 0)
    if isinstance(plain, str):
        return keccak256(plain.encode())
    if kind == "bytes":
        return keccak256(plain)
    return plain.rjust(32, b"\0") if kind == "address" else plain.ljust(32, b"\0")


def plain_text(value: TypedValue) -> str:
    """Format an atomic value: numbers in decimal, addresses with their checksum (EIP-55)."""
    plain = value.plain
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, bytes):
        return checksum(plain) if value.kind == "address" else to_hex(plain)
    return str(plain)
