"""The port to the machine: what the core needs and cannot do in portable Python.

``get()`` picks the implementation; the shortcuts below it are the synchronous
part, which the rest of the core imports by name.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache

from pywallet.crypto.interface import Platform


@cache
def get() -> Platform:
    """The platform this process runs on."""
    if sys.platform == "emscripten":
        from pywallet.crypto.pyodide import PyodidePlatform

        return PyodidePlatform()
    from pywallet.crypto.cpython import CPythonPlatform

    return CPythonPlatform()


if sys.platform != "emscripten":
    # Bound directly: this is the innermost call of every digest a server makes.
    from pywallet.crypto.cpython import keccak256
else:

    def keccak256(data: bytes) -> bytes:
        """Keccak-256 as Ethereum uses it, 32 bytes."""
        return get().keccak256(data)


def sign(private_key: bytes, digest: bytes) -> bytes:
    """A secp256k1 signature over a 32-byte digest: r, s (low), v (27 or 28), 65 bytes."""
    return get().sign(private_key, digest)


def recover(digest: bytes, signature: bytes) -> bytes:
    """The address that signed. Raises InputError message.schema for anything but a canonical signature."""
    return get().recover(digest, signature)


def public_key(private_key: bytes) -> bytes:
    """The uncompressed public key without its prefix, 64 bytes."""
    return get().public_key(private_key)


def public_keys(private_keys: Sequence[bytes]) -> list[bytes]:
    """Public keys of many private keys, in their order: in a browser many times quicker than one by one."""
    return get().public_keys(private_keys)


def address_of(private_key: bytes) -> bytes:
    """The account of a private key, 20 bytes."""
    return keccak256(public_key(private_key))[12:]


def random_bytes(count: int) -> bytes:
    """Bytes from the system's generator."""
    return get().random_bytes(count)


def now_ms() -> int:
    """The machine's clock, Unix milliseconds."""
    return get().now_ms()


__all__ = [
    "Platform",
    "address_of",
    "get",
    "keccak256",
    "now_ms",
    "public_key",
    "public_keys",
    "random_bytes",
    "recover",
    "sign",
]
