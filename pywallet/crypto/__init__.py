"""Platform functions: hashing, secp256k1, AES-GCM, key derivation, random bytes and the clock.

``get()`` selects the implementation (CPython or Pyodide); the module's functions are its synchronous part.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache

from pywallet.crypto.interface import Platform


@cache
def get() -> Platform:
    """The platform functions of this interpreter."""
    if sys.platform == "emscripten":
        from pywallet.crypto.pyodide import PyodidePlatform

        return PyodidePlatform()
    from pywallet.crypto.cpython import CPythonPlatform

    return CPythonPlatform()


if sys.platform != "emscripten":
    # Bound directly, since every digest calls it.
    from pywallet.crypto.cpython import keccak256
else:

    def keccak256(data: bytes) -> bytes:
        """Keccak-256 as Ethereum uses it, 32 bytes."""
        return get().keccak256(data)


def sign(private_key: bytes, digest: bytes) -> bytes:
    """Sign a 32-byte digest with secp256k1: r, s (low), v (27 or 28), 65 bytes."""
    return get().sign(private_key, digest)


def recover(digest: bytes, signature: bytes) -> bytes:
    """Recover the signer's address.

    Args:
        digest: 32 bytes.
        signature: r, s, v; 65 bytes.

    Raises:
        InputError: ``message.schema`` for a signature that is not canonical.
    """
    return get().recover(digest, signature)


def public_key(private_key: bytes) -> bytes:
    """The uncompressed public key without its prefix, 64 bytes."""
    return get().public_key(private_key)


def public_keys(private_keys: Sequence[bytes]) -> list[bytes]:
    """Public keys of many private keys, in order; in Pyodide much faster than one by one."""
    return get().public_keys(private_keys)


def address_of(private_key: bytes) -> bytes:
    """The Ethereum address of a private key, 20 bytes."""
    return keccak256(public_key(private_key))[12:]


def random_bytes(count: int) -> bytes:
    """Random bytes from the operating system."""
    return get().random_bytes(count)


def now_ms() -> int:
    """Wall clock, Unix milliseconds."""
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
