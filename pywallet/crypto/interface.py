"""Interface of the platform functions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, Literal

from pywallet.errors import InputError

ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Order of secp256k1."""

Hash = Literal["sha256", "sha512"]


class Platform(ABC):
    """Platform functions: synchronous hashing, secp256k1, random bytes and clock; asynchronous WebCrypto functions."""

    @abstractmethod
    def keccak256(self, data: bytes) -> bytes:
        """See pywallet.crypto.keccak256."""

    @abstractmethod
    def sign(self, private_key: bytes, digest: bytes) -> bytes:
        """See pywallet.crypto.sign."""

    @abstractmethod
    def recover(self, digest: bytes, signature: bytes) -> bytes:
        """See pywallet.crypto.recover."""

    @abstractmethod
    def public_key(self, private_key: bytes) -> bytes:
        """See pywallet.crypto.public_key."""

    @abstractmethod
    def public_keys(self, private_keys: Sequence[bytes]) -> list[bytes]:
        """See pywallet.crypto.public_keys."""

    @abstractmethod
    def random_bytes(self, count: int) -> bytes:
        """See pywallet.crypto.random_bytes."""

    @abstractmethod
    def now_ms(self) -> int:
        """See pywallet.crypto.now_ms."""

    @abstractmethod
    async def pbkdf2(self, algorithm: Hash, password: bytes, salt: bytes, iterations: int, length: int) -> bytes:
        """PBKDF2-HMAC (RFC 8018), ``length`` bytes."""

    @abstractmethod
    async def aes_gcm_seal(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """AES-GCM (NIST SP 800-38D): ciphertext ‖ 16-byte tag."""

    @abstractmethod
    async def aes_gcm_open(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        """Decrypt AES-GCM. Raises InputError ``sps.segment.tag`` for a wrong key, nonce, data or aad."""

    @abstractmethod
    async def hkdf_sha256(self, secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
        """HKDF with SHA-256 (RFC 5869)."""


def split_signature(signature: bytes) -> tuple[int, int, int]:
    """Split a canonical 65-byte signature (low s, EIP-2).

    Returns:
        r, s and the recovery id (0 or 1).

    Raises:
        InputError: ``message.schema``.
    """
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise InputError("message.schema", reason="a signature is 65 bytes ending in 27 or 28")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not (0 < r < ORDER and 0 < s <= ORDER // 2):
        raise InputError("message.schema", reason="not a canonical signature")
    return r, s, signature[64] - 27
