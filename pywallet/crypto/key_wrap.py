"""Wrapping of keys: X25519, HKDF-SHA-256, AES-256-GCM (docs/protocol.md section 3). CPython only.

In the browser the engine unwraps with WebCrypto, so that neither Python nor JavaScript has the bytes of a key.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pywallet.errors import InputError

GRANT_INFO: Final = b"sps/1 grant"
UPLOAD_INFO: Final = b"sps/1 upload"
HANDOVER_INFO: Final = b"sps/1 handover"
_NONCE: Final = 12


def generate_keypair() -> tuple[bytes, bytes]:
    """Generate an X25519 key pair: private and public key, 32 bytes each."""
    key = X25519PrivateKey.generate()
    return key.private_bytes_raw(), key.public_key().public_bytes_raw()


@dataclass(frozen=True)
class WrapKey:
    """A wrapping key for one recipient; ``ephemeral`` is the public key that the recipient needs, 32 bytes."""

    ephemeral: bytes
    _cipher: AESGCM

    @classmethod
    def to(cls, recipient: bytes, info: bytes = GRANT_INFO) -> WrapKey:
        """Derive a wrapping key for an X25519 public key. Raises InputError ``message.schema`` for an invalid key."""
        private = X25519PrivateKey.generate()
        ephemeral = private.public_key().public_bytes_raw()
        return cls(ephemeral, _agree(private, recipient, info + recipient + ephemeral))

    def wrap(self, key: bytes, aad: bytes) -> bytes:
        """Wrap a key: nonce ‖ ciphertext ‖ tag."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, key, aad)


def unwrap(private: bytes, ephemeral: bytes, wrapped: bytes, aad: bytes, info: bytes = GRANT_INFO) -> bytes:
    """Unwrap a key. Raises InputError ``message.schema`` where it cannot be decrypted."""
    return Unwrapper(private, ephemeral, info).unwrap(wrapped, aad)


class Unwrapper:
    """Unwraps many keys of one wrapping key."""

    def __init__(self, private: bytes, ephemeral: bytes, info: bytes = GRANT_INFO) -> None:
        key = X25519PrivateKey.from_private_bytes(private)
        self._cipher = _agree(key, ephemeral, info + key.public_key().public_bytes_raw() + ephemeral)

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """Unwrap a key. Raises InputError ``message.schema`` where it cannot be decrypted."""
        try:
            return self._cipher.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], aad)
        except (InvalidTag, ValueError):
            raise InputError("message.schema", reason="a wrapped key doesn't open") from None


def _agree(private: X25519PrivateKey, public: bytes, info: bytes) -> AESGCM:
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise InputError("message.schema", reason="not an X25519 public key") from None
    return AESGCM(HKDF(SHA256(), 32, None, info).derive(shared))
