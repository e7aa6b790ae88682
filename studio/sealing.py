"""Sealing of segments with deterministic content keys and nonces.

A content key is HKDF-SHA-256 of the owner's private key with the salt of the content's address. With the owner's key a
lost key file can be made again; the salt alone, which is public on the chain, reveals nothing.

A nonce is HMAC-SHA-256 of the plaintext's hash and its position. AES-GCM requires that one key never encrypts two
different plaintexts under one nonce. A key belongs to one content, rendition, key epoch and index, and different
plaintexts get nonces that are 96 bits of a pseudorandom function of different inputs: each pair collides with
probability 2^-96. Equal plaintexts give equal ciphertexts, which reveals only their equality. The nonce key and the
segment key are derived from the content key with different infos.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pywallet.sps import segment_aad, segment_key
from pywallet.sps.segments import NONCE
from studio.owner import ContentKeys

CONTENT_KEY_INFO: Final = b"gomaa/1 content key"
NONCE_INFO: Final = b"gomaa/1 studio nonce"
FIRST_EPOCH: Final = 1

COMMENT_ENDS: Final = (b"-->", b"--!>")
"""Ends of an HTML comment. No sealed segment contains one, so a page carries the bytes unchanged."""


def content_key(owner_key: bytes, salt: bytes, content: bytes, epoch: int) -> bytes:
    """The content key of an epoch, 32 bytes: HKDF-SHA-256 (RFC 5869) of the owner's private key, one block."""
    secret = hmac.digest(salt, owner_key, "sha256")
    return hmac.digest(secret, CONTENT_KEY_INFO + content + epoch.to_bytes(4, "big") + b"\x01", "sha256")


def key_epochs(segments: int, segment_s: int, key_epoch_s: int | None) -> tuple[tuple[int, int], ...]:
    """Key epochs of a rendition as (epoch, first segment).

    Args:
        segments: Number of segments.
        segment_s: Length of a segment, s.
        key_epoch_s: Length of a key epoch, s; None: one key epoch.
    """
    per_epoch = segments if key_epoch_s is None else max(1, key_epoch_s // segment_s)
    return tuple((FIRST_EPOCH + n, first) for n, first in enumerate(range(0, segments, max(1, per_epoch))))


def epoch_of(index: int, segment_s: int, key_epoch_s: int | None) -> int:
    """The key epoch of the segment ``index``; arguments as of ``key_epochs``."""
    return FIRST_EPOCH if key_epoch_s is None else FIRST_EPOCH + index // max(1, key_epoch_s // segment_s)


class Sealer:
    """Seals the segments of one rendition in order.

    The end of the previous bytes is kept, to detect a pattern of ``avoid`` across a boundary.
    """

    def __init__(self, keys: ContentKeys, rendition: int, avoid: Sequence[bytes] = COMMENT_ENDS) -> None:
        self._keys, self._rendition, self._avoid = keys, rendition, tuple(avoid)
        self._tail = b""

    def follow(self, data: bytes) -> None:
        """Note bytes that are written before the next segment."""
        self._tail = (self._tail + data)[-8:]

    def seal(self, index: int, epoch: int, clear: bytes) -> bytes:
        """Seal a segment: nonce ‖ ciphertext ‖ tag.

        Args:
            index: Index of the segment.
            epoch: Its key epoch, of which there must be a key.
            clear: The plaintext.
        """
        secret = self._keys.keys[epoch]
        key, nonce_key = segment_key(secret, self._rendition, index), hmac.digest(secret, NONCE_INFO, "sha256")
        aad = segment_aad(self._keys.content, self._rendition, epoch, index)
        cipher, digest, attempt = AESGCM(key), sha256(clear).digest(), 0
        while True:
            text = aad + attempt.to_bytes(4, "big") + digest
            nonce = hmac.digest(nonce_key, text, "sha256")[:NONCE]
            sealed = nonce + cipher.encrypt(nonce, clear, aad)
            if not self._ends_a_comment(sealed):
                self.follow(sealed[-8:])
                return sealed
            attempt += 1

    def _ends_a_comment(self, sealed: bytes) -> bool:
        joint = self._tail + sealed[:8]
        return any(pattern in sealed or pattern in joint for pattern in self._avoid)
