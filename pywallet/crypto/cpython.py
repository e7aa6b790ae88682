"""Platform functions on CPython: compiled keccak, libsecp256k1 and OpenSSL."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence

from btclib_secp256k1 import keys, recovery
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pywallet.crypto.interface import Hash, Platform, split_signature
from pywallet.errors import InputError


def _fastest_keccak() -> Callable[[bytes], bytes]:
    # safe-pysha3 is ten times faster on short inputs, and has wheels for Linux only, where the servers run.
    try:
        from sha3 import keccak_256
    except ImportError:
        from Crypto.Hash import keccak

        return lambda data: keccak.new(digest_bits=256, data=data).digest()
    return lambda data: bytes(keccak_256(data).digest())


keccak256: Callable[[bytes], bytes] = _fastest_keccak()


class CPythonPlatform(Platform):
    """Platform functions by compiled libraries."""

    def keccak256(self, data: bytes) -> bytes:
        """See pywallet.crypto.keccak256."""
        return keccak256(data)

    def sign(self, private_key: bytes, digest: bytes) -> bytes:
        """See pywallet.crypto.sign."""
        signature, parity = recovery.sign(digest, private_key, verify=False)
        return bytes(signature) + bytes([27 + parity])

    def recover(self, digest: bytes, signature: bytes) -> bytes:
        """See pywallet.crypto.recover."""
        *_, parity = split_signature(signature)
        try:
            key = recovery.recover(digest, signature[:64], parity, compressed=False)
        except ValueError as e:
            raise InputError("message.schema", reason="no key has this signature") from e
        return keccak256(bytes(key)[1:])[12:]

    def public_key(self, private_key: bytes) -> bytes:
        """See pywallet.crypto.public_key."""
        return bytes(keys.pubkey_from_prvkey(private_key, compressed=False))[1:]

    def public_keys(self, private_keys: Sequence[bytes]) -> list[bytes]:
        """See pywallet.crypto.public_keys."""
        return [self.public_key(key) for key in private_keys]

    def random_bytes(self, count: int) -> bytes:
        """See pywallet.crypto.random_bytes."""
        return os.urandom(count)

    def now_ms(self) -> int:
        """See pywallet.crypto.now_ms."""
        return time.time_ns() // 1_000_000

    async def pbkdf2(self, algorithm: Hash, password: bytes, salt: bytes, iterations: int, length: int) -> bytes:
        """PBKDF2-HMAC (RFC 8018), ``length`` bytes."""
        return hashlib.pbkdf2_hmac(algorithm, password, salt, iterations, length)

    async def aes_gcm_seal(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """AES-GCM (NIST SP 800-38D): ciphertext ‖ 16-byte tag."""
        return AESGCM(key).encrypt(nonce, plaintext, aad)

    async def aes_gcm_open(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        """Decrypt AES-GCM. Raises InputError ``sps.segment.tag`` for a wrong key, nonce, data or aad."""
        try:
            return AESGCM(key).decrypt(nonce, sealed, aad)
        except InvalidTag:
            raise InputError("sps.segment.tag") from None

    async def hkdf_sha256(self, secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
        """HKDF with SHA-256 (RFC 5869)."""
        return HKDF(SHA256(), length, salt or None, info).derive(secret)
