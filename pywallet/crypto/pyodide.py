"""Platform functions in a browser or node: WebCrypto, eth-keys, and functions that JavaScript registers.

The only module of the core that calls JavaScript. After loading, JavaScript calls
``registerJsModule("gomaa_native", {keccak256, recover})`` with functions from and to Uint8Array: recovery takes a tenth
of a second in pure Python, and needs no secret. JavaScript is called inside functions only, so that the module can be
imported before a memory snapshot.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from eth_keys.backends.native.main import NativeECCBackend
from eth_keys.datatypes import PrivateKey
from pyodide.ffi import JsException, to_js

from pywallet.crypto import batch_keys
from pywallet.crypto.interface import Hash, Platform, split_signature
from pywallet.errors import InputError

_HASHES = {"sha256": "SHA-256", "sha512": "SHA-512"}
_CURVE = NativeECCBackend()


def _object(**fields: Any) -> Any:
    import js

    return to_js(fields, dict_converter=js.Object.fromEntries)


def _bytes(buffer: Any) -> bytes:
    import js

    return bytes(js.Uint8Array.new(buffer).to_bytes())


def _subtle() -> Any:
    import js

    return js.crypto.subtle


class PyodidePlatform(Platform):
    """Platform functions by WebCrypto, by eth-keys for private keys, and by JavaScript for keccak and recovery."""

    def __init__(self) -> None:
        import gomaa_native  # type: ignore[import-not-found]

        self._keccak = gomaa_native.keccak256
        self._recover = gomaa_native.recover

    def keccak256(self, data: bytes) -> bytes:
        """See pywallet.crypto.keccak256."""
        return bytes(self._keccak(to_js(data)).to_bytes())

    def sign(self, private_key: bytes, digest: bytes) -> bytes:
        """See pywallet.crypto.sign."""
        raw = PrivateKey(private_key, backend=_CURVE).sign_msg_hash(digest).to_bytes()
        return raw[:64] + bytes([27 + raw[64]])

    def recover(self, digest: bytes, signature: bytes) -> bytes:
        """See pywallet.crypto.recover."""
        r, s, recovery = split_signature(signature)
        if len(digest) != 32:
            raise InputError("message.schema", reason="a digest has 32 bytes")
        try:
            key = self._recover(
                to_js(digest), to_js(r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([recovery]))
            ).to_bytes()
        except JsException as e:
            raise InputError("message.schema", reason="no key has this signature") from e
        return self.keccak256(bytes(key))[12:]

    def public_key(self, private_key: bytes) -> bytes:
        """See pywallet.crypto.public_key."""
        return PrivateKey(private_key, backend=_CURVE).public_key.to_bytes()

    def public_keys(self, private_keys: Sequence[bytes]) -> list[bytes]:
        """See pywallet.crypto.public_keys."""
        return batch_keys.public_keys(private_keys)

    def random_bytes(self, count: int) -> bytes:
        """See pywallet.crypto.random_bytes."""
        return os.urandom(count)

    def now_ms(self) -> int:
        """See pywallet.crypto.now_ms."""
        return time.time_ns() // 1_000_000

    async def pbkdf2(self, algorithm: Hash, password: bytes, salt: bytes, iterations: int, length: int) -> bytes:
        """PBKDF2-HMAC (RFC 8018), ``length`` bytes."""
        key = await _subtle().importKey("raw", to_js(password), "PBKDF2", False, to_js(["deriveBits"]))
        algorithm_parameters = _object(name="PBKDF2", hash=_HASHES[algorithm], salt=to_js(salt), iterations=iterations)
        return _bytes(await _subtle().deriveBits(algorithm_parameters, key, 8 * length))

    async def aes_gcm_seal(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """AES-GCM (NIST SP 800-38D): ciphertext ‖ 16-byte tag."""
        algorithm_parameters, imported = await self._gcm(key, nonce, aad, "encrypt")
        return _bytes(await _subtle().encrypt(algorithm_parameters, imported, to_js(plaintext)))

    async def aes_gcm_open(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        """Decrypt AES-GCM. Raises InputError ``sps.segment.tag`` for a wrong key, nonce, data or aad."""
        algorithm_parameters, imported = await self._gcm(key, nonce, aad, "decrypt")
        try:
            return _bytes(await _subtle().decrypt(algorithm_parameters, imported, to_js(sealed)))
        except JsException:
            raise InputError("sps.segment.tag") from None

    async def hkdf_sha256(self, secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
        """HKDF with SHA-256 (RFC 5869)."""
        key = await _subtle().importKey("raw", to_js(secret), "HKDF", False, to_js(["deriveBits"]))
        algorithm_parameters = _object(name="HKDF", hash="SHA-256", salt=to_js(salt), info=to_js(info))
        return _bytes(await _subtle().deriveBits(algorithm_parameters, key, 8 * length))

    async def _gcm(self, key: bytes, nonce: bytes, aad: bytes, usage: str) -> tuple[Any, Any]:
        imported = await _subtle().importKey("raw", to_js(key), "AES-GCM", False, to_js([usage]))
        return _object(name="AES-GCM", iv=to_js(nonce), additionalData=to_js(aad)), imported
