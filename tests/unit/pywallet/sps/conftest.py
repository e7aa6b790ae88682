"""A small song and its header for the tests of the format."""

from __future__ import annotations

from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest

from pywallet import crypto
from pywallet.sps import Container, Header, Rendition, Segment, ServerRef, sign_header

OWNER_KEY = bytes(range(1, 33))
CONTENT = bytes.fromhex("c0ffee" + "11" * 17)
POLICY = {
    "permissions": ["play", "seek"],
    "price": {"interval_s": 5, "owner": 10**16, "reward": 2 * 10**15, "payer": "station"},
    "stations": ["*"],
    "listener": "any",
}
INIT = b"init part"


def parts(count: int = 3) -> list[bytes]:
    """Bytes in place of sealed segments, of different sizes."""
    return [bytes([i % 256]) * (40 + i) for i in range(count)]


def rendition(count: int = 3, **changes: Any) -> Rendition:
    """A FLAC rendition of ``count`` segments of 88,200 samples, the last one shorter."""
    sealed = parts(count)
    lengths = [88_200] * (count - 1) + [1_000]
    values: dict[str, Any] = {
        "id": 1,
        "codec": "flac",
        "mime": 'audio/mp4; codecs="flac"',
        "rate": 44_100,
        "channels": 2,
        "bits": 16,
        "samples": sum(lengths),
        "segment_samples": 88_200,
        "init_size": len(INIT),
        "init_sha256": sha256(INIT).digest(),
        "segments": tuple(Segment(len(p), n, sha256(p).digest()) for p, n in zip(sealed, lengths, strict=True)),
    }
    return Rendition(**(values | changes))


def header(**changes: Any) -> Header:
    """A complete header, unsigned."""
    values: dict[str, Any] = {
        "chain": 31337,
        "content": CONTENT,
        "owner": crypto.address_of(OWNER_KEY),
        "title": "Slow Tide",
        "artist": "Lamplight",
        "policy": POLICY,
        "renditions": (rendition(),),
        "server": ServerRef("http://127.0.0.1:8081", bytes(range(20)), bytes(range(32))),
        "delivery": ("https://cdn.example/slow-tide.sps",),
        "album": "Harbour",
        "waveform": bytes(range(200)),
    }
    return Header(**(values | changes))


def file(song: Header | None = None) -> bytes:
    """A whole file of ``song``'s header and the parts."""
    return Container(sign_header(song or header(), OWNER_KEY)).prefix() + INIT + b"".join(parts())


@pytest.fixture
def samples() -> SimpleNamespace:
    """The functions and values of this module."""
    return SimpleNamespace(
        OWNER_KEY=OWNER_KEY,
        CONTENT=CONTENT,
        POLICY=POLICY,
        INIT=INIT,
        parts=parts,
        rendition=rendition,
        header=header,
        file=file,
    )
