"""Write song.json again: ``python tests/vectors/sps/make.py``. Keys and nonces are fixed, so the bytes never change."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256
from pathlib import Path

from pywallet import platform
from pywallet.sps import Container, Header, Rendition, Segment, ServerRef, segment_aad, segment_key, sign_header

OWNER_KEY = bytes(range(1, 33))
CONTENT_KEY = bytes(range(64, 96))
CONTENT = bytes(range(100, 120))
INIT = b"init"
CLEAR = [b"first segment", b"second segment", b"third"]
POLICY = {
    "permissions": ["play", "seek"],
    "price": {"interval_s": 5, "owner": 10**16, "reward": 2 * 10**15, "payer": "station"},
    "stations": ["*"],
    "listener": "any",
}


async def seal(index: int) -> bytes:
    """A sealed segment with a fixed nonce. Segments from 2 on are of key epoch 8."""
    nonce = sha256(bytes([index])).digest()[:12]
    aad = segment_aad(CONTENT, 1, 7 if index < 2 else 8, index)
    return nonce + await platform.get().aes_gcm_seal(segment_key(CONTENT_KEY, 1, index), nonce, CLEAR[index], aad)


async def main() -> None:
    """Build the file and write the vector."""
    sealed = [await seal(index) for index in range(len(CLEAR))]
    rendition = Rendition(
        id=1,
        codec="flac",
        mime='audio/mp4; codecs="flac"',
        rate=44_100,
        channels=2,
        bits=16,
        samples=2 * 88_200 + 500,
        segment_samples=88_200,
        init_size=len(INIT),
        init_sha256=sha256(INIT).digest(),
        segments=tuple(Segment(len(s), n, sha256(s).digest()) for s, n in zip(sealed, (88_200, 88_200, 500), strict=True)),
        key_epochs=((7, 0), (8, 2)),
    )
    header = Header(
        chain=31337,
        content=CONTENT,
        owner=platform.address_of(OWNER_KEY),
        title="Vector",
        artist="Nobody",
        policy=POLICY,
        renditions=(rendition,),
        server=ServerRef("https://security.example", bytes(20), bytes(range(32))),
    )
    file = Container(sign_header(header, OWNER_KEY)).prefix() + INIT + b"".join(sealed)
    vector = {
        "owner_key": OWNER_KEY.hex(),
        "owner": header.owner.hex(),
        "content": CONTENT.hex(),
        "content_key": CONTENT_KEY.hex(),
        "policy_hash": header.policy_hash.hex(),
        "segments": [
            {"key": segment_key(CONTENT_KEY, 1, i).hex(), "aad": segment_aad(CONTENT, 1, rendition.key_epoch(i), i).hex(), "clear": c.hex()}
            for i, c in enumerate(CLEAR)
        ],
        "file": file.hex(),
    }
    Path(__file__).with_name("song.json").write_text(json.dumps(vector, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
