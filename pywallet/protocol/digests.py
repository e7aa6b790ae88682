"""Digests of requests that a device, payer, payee or owner signs (docs/protocol.md sections 3 and 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pywallet.crypto import keccak256


def hello_digest(server: bytes, time_ms: int) -> bytes:
    """Digest that a device signs when it connects to a security server.

    Args:
        server: Address of the server, 20 bytes.
        time_ms: Time of the request, Unix milliseconds.
    """
    return keccak256(b"gomaa/1 host" + server + time_ms.to_bytes(8, "big"))


def statement_digest(server: bytes, time_s: int) -> bytes:
    """Digest that a payer signs to get its statement.

    Args:
        server: Address of the server, 20 bytes.
        time_s: Time of the request, Unix seconds.
    """
    return keccak256(b"gomaa/1 statement" + server + time_s.to_bytes(8, "big"))


def receipts_digest(server: bytes, payee: bytes, time_s: int) -> bytes:
    """Digest that a payee signs to get its receipts.

    Args:
        server: Address of the server, 20 bytes.
        payee: Address of the payee, which signs, 20 bytes.
        time_s: Time of the request, Unix seconds.
    """
    return keccak256(b"gomaa/1 receipts" + server + payee + time_s.to_bytes(8, "big"))


def destruction_digest(content: bytes, listener: bytes, time_ms: int, code: str) -> bytes:
    """Digest that a device signs after it has destroyed its keys of a content.

    Args:
        content: Address of the content, 20 bytes.
        listener: Address of the listener, 20 bytes.
        time_ms: Time of the destruction, Unix milliseconds.
        code: Error code of the reason.
    """
    return keccak256(b"gomaa/1 destroyed" + content + listener + time_ms.to_bytes(8, "big") + code.encode())


def upload_digest(content: bytes, header: bytes, ephemeral: bytes, wrapped: Iterable[bytes]) -> bytes:
    """Digest that an owner signs to give a server a header and its content keys.

    Args:
        content: Address of the content, 20 bytes.
        header: The signed header, COSE bytes.
        ephemeral: X25519 public key that the content keys are wrapped from, 32 bytes.
        wrapped: The wrapped content keys, in the order of the request.
    """
    keys = hashlib.sha256(ephemeral + b"".join(wrapped)).digest()
    return keccak256(b"gomaa/1 upload" + content + hashlib.sha256(header).digest() + keys)
