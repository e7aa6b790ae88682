"""Signatures over messages, and their JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pywallet import crypto
from pywallet.crypto.interface import split_signature
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import InputError
from pywallet.protocol.structs import Domain, Message, digest

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Signed(Generic[M]):
    """A message and its 65-byte signature, which is not verified; see ``require_signer``."""

    message: M
    signature: bytes

    def to_json(self) -> dict[str, Any]:
        """The JSON form: type, message, signature."""
        names = self.message.wire_names()
        values = {
            n: to_hex(v) if isinstance(v, bytes) else str(v)
            for n, v in zip(names, vars(self.message).values(), strict=True)
        }
        return {"type": type(self.message).__name__, "message": values, "signature": to_hex(self.signature)}

    @classmethod
    def from_json(cls, kind: type[M], value: Any) -> Signed[M]:
        """Parse the JSON form of one kind of message. Raises InputError ``message.schema``."""
        if (
            not isinstance(value, Mapping)
            or value.get("type") != kind.__name__
            or value.keys() != {"type", "message", "signature"}
        ):
            raise InputError("message.schema", field=kind.__name__, reason="a signed message expected")
        raw = value["message"]
        names = kind.wire_names()
        if not isinstance(raw, Mapping) or len(raw) != len(names) or not all(name in raw for name in names):
            raise InputError("message.schema", field=kind.__name__, reason="fields differ")
        message = kind(*[_read(name, of, raw[name]) for name, of in zip(names, kind.TYPES, strict=True)])
        return Signed(message, from_hex(value["signature"], 65))


def _read(name: str, kind: str, value: Any) -> bytes | int:
    if not kind.startswith("uint"):
        return from_hex(value, 20 if kind == "address" else int(kind[5:]))
    # Decimal text only: some JSON parsers lose digits of numbers above 2^53.
    if (
        not isinstance(value, str)
        or not value.isascii()
        or not value.isdigit()
        or len(value) > 78
        or (len(value) > 1 and value[0] == "0")
    ):
        raise InputError("message.schema", field=name, reason="a decimal string expected")
    return int(value)


def sign(message: M, domain: Domain, private_key: bytes) -> Signed[M]:
    """Sign a message with a 32-byte private key."""
    return Signed(message, crypto.sign(private_key, digest(message, domain)))


def signer(signed: Signed[Any], domain: Domain) -> bytes:
    """Recover the signer's address. Raises InputError ``message.schema`` for a signature of no key."""
    return crypto.recover(digest(signed.message, domain), signed.signature)


def require_signer(signed: Signed[Any], domain: Domain, address: bytes, code: str) -> None:
    """Raise InputError ``code`` unless ``address`` is the signer and not zero."""
    try:
        recovered = signer(signed, domain)
    except InputError:
        raise InputError(code) from None
    if recovered != address or not any(address):
        raise InputError(code, expected=to_hex(address), found=to_hex(recovered))


def compact(signature: bytes) -> tuple[int, int]:
    """The compact form (r, yParityAndS) of a signature, as the contracts take it (EIP-2098)."""
    r, s, parity = split_signature(signature)
    return r, s | parity << 255
