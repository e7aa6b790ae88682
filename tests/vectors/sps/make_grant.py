"""Write grant.json again: ``python tests/vectors/sps/make_grant.py``.

Ephemeral key and nonces are random; what opens is fixed.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pywallet.crypto.key_wrap import WrapKey
from pywallet.encoding.hex import to_b64, to_hex
from pywallet.sps import seal_segment, segment_aad, segment_key

PRIVATE = bytes(range(200, 232))
CONTENT = bytes(range(100, 120))
CONTENT_KEY = bytes(range(64, 96))
RENDITION = 258
EPOCHS = ((7, 0), (9, 2))
CLEAR = (b"first segment", b"second segment", b"third")


async def main() -> None:
    """Wrap the keys of three segments over two key epochs, and seal the segments."""
    public = X25519PrivateKey.from_private_bytes(PRIVATE).public_key().public_bytes_raw()
    wrap = WrapKey.to(public)
    segments = []
    for index, clear in enumerate(CLEAR):
        epoch = next(e for e, first in reversed(EPOCHS) if first <= index)
        aad = segment_aad(CONTENT, RENDITION, epoch, index)
        key = segment_key(CONTENT_KEY, RENDITION, index)
        sealed = await seal_segment(key, clear, aad)
        segments.append(
            {
                "aad": to_hex(aad),
                "wrapped": to_b64(wrap.wrap(key, aad)),
                "sealed": to_b64(sealed),
                "clear": clear.decode(),
            }
        )
    vector = {
        "private": to_b64(PRIVATE),
        "public": to_b64(public),
        "content": to_hex(CONTENT),
        "rendition": RENDITION,
        "epochs": EPOCHS,
        "ephemeral": to_b64(wrap.ephemeral),
        "segments": segments,
    }
    Path(__file__).with_name("grant.json").write_text(json.dumps(vector, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
