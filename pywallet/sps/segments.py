"""Segments: key derivation, encryption, and the Merkle root over them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from pywallet import crypto
from pywallet.errors import InputError

NONCE: Final = 12
TAG: Final = 16
SEGMENT_INFO: Final = b"sps/1 segment"


def segment_key(content_key: bytes, rendition: int, index: int) -> bytes:
    """Derive the AES-256 key of one segment from the content key.

    HKDF-SHA-256 (RFC 5869) without salt; the key is one block of output, so extract and expand are one HMAC each.
    """
    info = SEGMENT_INFO + rendition.to_bytes(2, "big") + index.to_bytes(4, "big")
    return hmac.digest(_extracted(content_key), info + b"\x01", "sha256")


@lru_cache(maxsize=1024)
def _extracted(content_key: bytes) -> bytes:
    return hmac.digest(bytes(32), content_key, "sha256")


def segment_aad(content: bytes, rendition: int, epoch: int, index: int) -> bytes:
    """Additional authenticated data of a segment, 30 bytes: content ‖ rendition u16 ‖ key epoch u32 ‖ index u32."""
    return content + rendition.to_bytes(2, "big") + epoch.to_bytes(4, "big") + index.to_bytes(4, "big")


async def seal_segment(key: bytes, clear: bytes, aad: bytes) -> bytes:
    """Encrypt a segment: random nonce ‖ AES-256-GCM ciphertext ‖ tag."""
    nonce = crypto.random_bytes(NONCE)
    return nonce + await crypto.get().aes_gcm_seal(key, nonce, clear, aad)


async def open_segment(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    """Decrypt a segment. Raises InputError ``sps.segment.tag``."""
    if len(sealed) < NONCE + TAG:
        raise InputError("sps.segment.tag", size=len(sealed))
    return await crypto.get().aes_gcm_open(key, sealed[:NONCE], sealed[NONCE:], aad)


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """Merkle tree hash (RFC 6962) over the SHA-256 hashes of the sealed segments."""
    if not hashes:
        return hashlib.sha256().digest()
    level = [hashlib.sha256(b"\0" + h).digest() for h in hashes]
    while len(level) > 1:
        # An odd last node moves up unchanged, which equals RFC 6962's split at the largest power of two.
        pairs = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0]
