"""A signed header and its content key, without any audio: an artist's upload to a security server."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from pywallet.crypto import address_of, sign
from pywallet.crypto.key_wrap import UPLOAD_INFO, WrapKey
from pywallet.encoding.hex import to_b64, to_hex
from pywallet.policy import Policy
from pywallet.protocol import upload_digest
from pywallet.sps.header import Header, Rendition, Segment, ServerRef
from pywallet.sps.signed_header import sign_header

SEGMENTS = 60
"""Two minutes in two-second segments."""
EPOCH = 1
"""The only key epoch."""


@dataclass(frozen=True)
class Upload:
    """An upload to the server."""

    content: bytes
    cose: bytes
    key: bytes
    policy: Policy

    def body(self, owner_key: bytes, exchange_public: bytes, **changes: Any) -> dict[str, Any]:
        """The JSON of PUT /v1/contents/{content}."""
        wrap = WrapKey.to(exchange_public, UPLOAD_INFO)
        wrapped = wrap.wrap(self.key, self.content + EPOCH.to_bytes(4, "big"))
        signature = sign(owner_key, upload_digest(self.content, self.cose, wrap.ephemeral, [wrapped]))
        body = {
            "header": to_b64(self.cose),
            "ephemeral": to_b64(wrap.ephemeral),
            "keys": [[EPOCH, to_b64(wrapped)]],
            "signature": to_hex(signature),
        }
        return {**body, **changes}


def terms(**changes: Any) -> Policy:
    """Two-second intervals, five plays, three seeks, a lease of half a minute; amounts in wei."""
    raw: dict[str, Any] = {
        "permissions": ["play", "seek"],
        "price": {"interval_s": 2, "owner": 2_000_003, "reward": 1_000_001},
        "counts": {"play": {"limit": 5}, "seek": {"limit": 3}},
        "lease": {"window_s": 30, "seconds": 600, "invocations": 20},
    }
    return Policy.from_dict({**raw, **changes})


def make_song(
    content: bytes, owner_key: bytes, server: bytes, exchange_public: bytes, chain_id: int, policy: Policy
) -> Upload:
    """A header signed by the owner, and a content key."""
    hashes = [hashlib.sha256(bytes([n])).digest() for n in range(SEGMENTS)]
    rendition = Rendition(
        id=1,
        codec="flac",
        mime='audio/mp4; codecs="flac"',
        rate=48_000,
        channels=2,
        bits=16,
        samples=96_000 * SEGMENTS,
        segment_samples=96_000,
        init_size=600,
        init_sha256=hashlib.sha256(b"init").digest(),
        segments=tuple(Segment(1000, 96_000, digest) for digest in hashes),
        key_epochs=((EPOCH, 0),),
    )
    header = Header(
        chain=chain_id,
        content=content,
        owner=address_of(owner_key),
        title="Slow Tide",
        artist="The Lamplighters",
        policy=policy.to_dict(),
        renditions=(rendition,),
        server=ServerRef("http://127.0.0.1:1", server, exchange_public),
    )
    return Upload(content, sign_header(header, owner_key), hashlib.sha256(content).digest(), policy)
