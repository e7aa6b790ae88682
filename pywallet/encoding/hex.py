"""Bytes as text on the wire: lower-case 0x-hex for addresses, hashes and signatures, base64 for other bytes."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from pywallet.errors import InputError

ZERO_ADDRESS: Final = bytes(20)


def to_hex(data: bytes) -> str:
    """Encode as lower-case hex with 0x."""
    return "0x" + data.hex()


def from_hex(text: Any, length: int | None = None) -> bytes:
    """Decode 0x-hex, of exactly ``length`` bytes if given. Raises InputError ``message.schema``."""
    if not isinstance(text, str) or not text.startswith("0x") or not text.isascii():
        raise InputError("message.schema", reason="0x-hex expected")
    try:
        data = binascii.unhexlify(text[2:])
    except (binascii.Error, ValueError):
        raise InputError("message.schema", reason="not hex") from None
    if length is not None and len(data) != length:
        raise InputError("message.schema", reason=f"{length} bytes expected", got=len(data))
    return data


def to_b64(data: bytes) -> str:
    """Encode as base64 (RFC 4648 section 4) with padding."""
    return base64.b64encode(data).decode("ascii")


def from_b64(text: Any) -> bytes:
    """Decode base64 (RFC 4648 section 4). Raises InputError ``message.schema``."""
    if not isinstance(text, str):
        raise InputError("message.schema", reason="base64 expected")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputError("message.schema", reason="not base64") from None


def checksum(address: bytes) -> str:
    """Format an address with its checksum (EIP-55)."""
    from pywallet.crypto import keccak256

    plain = address.hex()
    digest = keccak256(plain.encode()).hex()
    return "0x" + "".join(
        c.upper() if c.isalpha() and int(d, 16) >= 8 else c for c, d in zip(plain, digest[:40], strict=True)
    )
