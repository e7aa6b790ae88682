"""Any EIP-712 data of a site (eth_signTypedData_v4), read strictly from its declared fields.

What is shown is what is signed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pywallet.crypto import keccak256
from pywallet.encoding.hex import checksum, from_hex, to_hex
from pywallet.errors import InputError, WalletError
from pywallet.provider.types import DOMAIN, Types, array_of, wrong

MOST_TEXT: Final = 256 * 1024
MOST_VALUES: Final = 4096
_DEEP: Final = 24
_SAFE: Final = (1 << 53) - 1
_KEYS: Final = {"types", "primaryType", "domain", "message"}


@dataclass(frozen=True)
class TypedValue:
    """One value with its declared type.

    ``plain`` for an atomic one, ``parts`` (name or index, value) for a struct or an array.
    """

    kind: str
    plain: bool | int | bytes | str | None
    parts: tuple[tuple[str, TypedValue], ...] | None
    word: bytes
    """Its 32 bytes in encodeData."""


@dataclass(frozen=True)
class TypedData:
    """Checked data. ``digest`` is what is signed."""

    types: Types
    primary: str
    domain: TypedValue
    message: TypedValue
    digest: bytes

    def domain_field(self, name: str) -> bool | int | bytes | str | None:
        """A field of the domain, None where it is not declared."""
        return next((value.plain for key, value in self.domain.parts or () if key == name), None)


def read_typed(text: str, chain_id: int, own: Collection[bytes] = ()) -> TypedData:
    """Read the JSON text of eth_signTypedData_v4 for the chain that the site is connected to.

    ``own`` are addresses of settlement contracts. Raises InputError message.schema
    (with field and reason) for undeclared, missing or mistyped fields, other
    chains and ambiguous JSON; WalletError wallet.unsupported for GoMAA's own
    domain, whose messages no page may ask for.
    """
    if len(text) > MOST_TEXT:
        raise wrong("data", f"at most {MOST_TEXT} characters")
    try:
        raw = json.loads(text, object_pairs_hook=_once, parse_float=_no_number, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise wrong("data", "not JSON") from None
    if not isinstance(raw, Mapping) or raw.keys() != _KEYS:
        raise wrong("data", "types, primaryType, domain and message, and nothing else")
    types = Types.read(raw["types"])
    primary = raw["primaryType"]
    if not isinstance(primary, str) or primary not in types.structs or primary == DOMAIN:
        raise wrong("primaryType", "not declared")
    reader = _TypedReader(types)
    domain = reader.read(DOMAIN, raw["domain"], "domain", 0)
    message = reader.read(primary, raw["message"], "message", 0)
    digest = keccak256(b"\x19\x01" + domain.word + message.word)
    data = TypedData(types, primary, domain, message, digest)
    declared = data.domain_field("chainId")
    if declared is not None and declared != chain_id:
        raise wrong("domain.chainId", "another network than this site's")
    name = data.domain_field("name")
    # Sessions, tickets, vouchers and claims move tokens and are shown nowhere else: only GoMAA's own parts ask for
    # them.
    if (isinstance(name, str) and "".join(name.casefold().split()) == "gomaasettlement") or data.domain_field(
        "verifyingContract"
    ) in set(own):
        raise WalletError("wallet.unsupported", reason="a message of GoMAA's own settlement")
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise wrong("data", "a field stands twice")
    return out


def _no_number(text: str) -> Any:
    raise wrong("data", f"{text[:32]} is no integer")


class _TypedReader:
    """Values against their declared types; counts them, so that a small text cannot ask for endless work."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._left = MOST_VALUES

    def read(self, kind: str, value: Any, path: str, depth: int) -> TypedValue:
        self._left -= 1
        if self._left < 0 or depth > _DEEP:
            raise wrong(path, "too many or too deep values")
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
            raise wrong(path, f"{kind} expected")
        parts = tuple((str(i), self.read(item, one, f"{path}[{i}]", depth + 1)) for i, one in enumerate(value))
        return TypedValue(kind, None, parts, keccak256(b"".join(part.word for _, part in parts)))

    def _struct(self, kind: str, value: Any, path: str, depth: int) -> TypedValue:
        fields = self._types.structs[kind]
        if not isinstance(value, Mapping):
            raise wrong(path, f"{kind} expected")
        names = [name for name, _ in fields]
        for name in names:
            if name not in value:
                raise wrong(f"{path}.{name}", "declared and missing")
        for name in value:
            if name not in names:
                raise wrong(f"{path}.{name}", "not declared")
        parts = tuple((name, self.read(of, value[name], f"{path}.{name}", depth + 1)) for name, of in fields)
        return TypedValue(
            kind, None, parts, keccak256(self._types.type_hash(kind) + b"".join(part.word for _, part in parts))
        )


def _atom(kind: str, value: Any, path: str) -> bool | int | bytes | str:
    if kind == "bool" and type(value) is bool:
        return value
    if kind == "string" and isinstance(value, str) and _whole(value):
        return value
    if kind == "address":
        return _address(value, path)
    if kind.startswith("bytes"):
        length = int(kind[5:]) if kind != "bytes" else None
        try:
            return from_hex(_lower_prefix(value), length)
        except InputError:
            raise wrong(path, f"{kind} as 0x-hex expected") from None
    if kind.startswith(("uint", "int")):
        number = _integer(value)
        bits = int(kind.lstrip("uint"))
        low, high = (0, 1 << bits) if kind[0] == "u" else (-(1 << bits - 1), 1 << bits - 1)
        if number is not None and low <= number < high:
            return number
    raise wrong(path, f"{kind} expected")


def _whole(text: str) -> bool:
    """Half of a surrogate pair is no character, and has no UTF-8."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _address(value: Any, path: str) -> bytes:
    try:
        address = from_hex(_lower_prefix(value), 20)
    except InputError:
        raise wrong(path, "an address expected") from None
    letters = value[2:]
    if letters not in (letters.lower(), letters.upper()) and letters != checksum(address)[2:]:
        raise wrong(path, "an address with a wrong checksum")
    return address


def _lower_prefix(value: Any) -> Any:
    return "0x" + value[2:] if isinstance(value, str) and value.startswith("0X") else value


def _integer(value: Any) -> int | None:
    """A JSON integer that every reader reads alike, or its decimal or 0x-hex text in the one canonical form."""
    if type(value) is int:
        return value if abs(value) <= _SAFE else None
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
    """An atomic value as a person reads it: whole, numbers in decimal, addresses with their checksum."""
    plain = value.plain
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, bytes):
        return checksum(plain) if value.kind == "address" else to_hex(plain)
    return str(plain)
