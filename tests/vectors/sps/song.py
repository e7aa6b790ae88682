"""The song that every vector is a change of: its map, its parts, its file."""

from __future__ import annotations

from copy import deepcopy
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pywallet.sps import merkle_root, segment_aad, segment_key
from tests.vectors.sps.raw import MAGIC, OWNER, STRANGER, encode, signed

HEADER_TYPE: Final = "application/sps-header"
LIVE_TYPE: Final = "application/sps-live"
CONTENT: Final = bytes(range(100, 120))
CONTENT_KEYS: Final = {7: bytes(range(64, 96)), 8: bytes(range(96, 128))}
INIT: Final = b"init"
CLEAR: Final = (b"first segment", b"second segment", b"third")
SAMPLES: Final = (88_200, 88_200, 500)


def epoch_of(index: int) -> int:
    """Two segments of key epoch 7, then 8."""
    return 7 if index < 2 else 8


def seal(index: int, rendition: int = 1, content: bytes = CONTENT) -> bytes:
    """A sealed segment; its nonce is fixed, as no writer's may be."""
    epoch = epoch_of(index)
    nonce = sha256(bytes([rendition, index])).digest()[:12]
    key = segment_key(CONTENT_KEYS[epoch], rendition, index)
    return nonce + AESGCM(key).encrypt(nonce, CLEAR[index], segment_aad(content, rendition, epoch, index))


def rendition(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A FLAC rendition of the three segments."""
    sealed = [seal(index, number) for index in range(len(CLEAR))]
    hashes = [sha256(one).digest() for one in sealed]
    rows = [[len(s), n, digest] for s, n, digest in zip(sealed, SAMPLES, hashes, strict=True)]
    return {
        "id": number,
        "codec": "flac",
        "mime": 'audio/mp4; codecs="flac"',
        "rate": 44_100,
        "channels": 2,
        "bits": 16,
        "samples": sum(SAMPLES),
        "segment_samples": 88_200,
        "init": [len(INIT), sha256(INIT).digest()],
        "root": merkle_root(hashes),
        "segments": rows,
        "key_epochs": [[7, 0], [8, 2]],
    } | changes


def smallest() -> dict[str, Any]:
    """A header with nothing that may be left out."""
    return {
        "v": 1,
        "chain": 31337,
        "content": CONTENT,
        "owner": OWNER,
        "title": "Vector",
        "artist": "Nobody",
        "policy": {"permissions": ["play", "seek"], "price": {"interval_s": 5, "owner": 10**16, "reward": 2 * 10**15}},
        "renditions": [rendition()],
        "server": {"url": "https://security.example", "address": bytes(20), "key": bytes(range(32))},
        "delivery": [],
        "renderer": {"version": "1"},
    }


def fullest() -> dict[str, Any]:
    """A header with everything."""
    return smallest() | {
        "album": "Test Bench",
        "isrc": "DEXXX2600001",
        "genre": "Ambient",
        "genre_confidence": 61,
        "loudness": -1432,
        "loudness_range": 740,
        "true_peak": -103,
        "waveform": bytes(range(100)),
        "features": bytes(range(41)),
        "artwork": {
            "sha256": bytes(range(32)),
            "mime": "image/jpeg",
            "size": 90_210,
            "urls": ["https://cdn.example/cover.jpg"],
        },
        "watermark": {
            "version": 1,
            "layers": ["ultrasonic", "inband"],
            "every": 1,
            "ultrasonic": {"carrier_hz": 20_650, "level_db": -54},
            "inband": {"low_hz": 1_500},
        },
        "live": {"signer": STRANGER, "urls": ["https://radio.example/live/index.cbor"]},
        "delivery": ["https://cdn.example/vector/", "https://mirror.example/vector.sps"],
        "renderer": {"version": "1.2", "sha256": bytes(32)},
        "renditions": [
            rendition(),
            rendition(2, bits=24),
            rendition(3, codec="opus", mime='audio/mp4; codecs="opus"', bits=0),
        ],
        "crit": ["policy", "watermark"],
    }


def terms() -> dict[str, Any]:
    """A policy with every field."""
    return {
        "permissions": ["play", "seek", "preview", "transfer"],
        "counts": {
            "play": {"limit": 10, "per_s": 86_400, "unit": "timed", "after_s": 30, "within_s": 600},
            "seek": {"limit": 3},
            "preview": {"limit": 5, "unit": "second"},
        },
        "ttl_s": 172_800,
        "not_before_s": 1_790_000_000,
        "expires_s": 1_890_000_000,
        "stations": ["radio.example", "other.example"],
        "price": {"interval_s": 30, "owner": 10**16, "reward": 1 << 70, "payer": "station"},
        "listener": "wallet",
        "lease": {"window_s": 600, "seconds": 3_600, "invocations": 100},
        "crit": ["lease"],
        "start_by_s": 1_880_000_000,
        "metered_s": 36_000,
        "preview_s": 30,
        "key_epoch_s": 3_600,
        "part": {"from_s": 10, "to_s": 190},
        "territories": ["DE", "CN"],
        "purposes": ["private"],
        "devices": 3,
        "concurrent": 2,
        "renewal": {"every_s": 3_600, "retry_s": 60, "grace_s": 600},
        "tracking": "never",
        "self_destruct": ["exhausted", "rollback"],
        "child": {"permissions": ["play"], "price": {"interval_s": 30, "owner": 10**16, "reward": 0}},
    }


def index() -> dict[str, Any]:
    """A live index of the three segments, numbers 40 to 42."""
    rows = [[len(seal(i)), n, sha256(seal(i)).digest(), epoch_of(i)] for i, n in enumerate(SAMPLES)]
    return {
        "v": 1,
        "content": CONTENT,
        "number": 42,
        "time_ms": 1_795_000_000_000,
        "rendition": 1,
        "codec": "flac",
        "mime": 'audio/mp4; codecs="flac"',
        "rate": 44_100,
        "channels": 2,
        "bits": 16,
        "segment_samples": 88_200,
        "init": [len(INIT), sha256(INIT).digest()],
        "window": 3,
        "first": 40,
        "sample": 40 * 88_200,
        "segments": rows,
    }


def changed(value: dict[str, Any], path: str, new: Any) -> dict[str, Any]:
    """A copy with the field at ``path`` (dots, numbers in lists) replaced, or removed when ``new`` is ``...``."""
    out = deepcopy(value)
    *parents, last = path.split(".")
    at: Any = out
    for name in parents:
        at = at[int(name)] if isinstance(at, list) else at[name]
    if isinstance(at, list):
        at[int(last)] = new
    elif new is ...:
        del at[last]
    else:
        at[last] = new
    return out


def header(value: Any) -> bytes:
    """The signed header of a map, whatever stands in it."""
    return signed(encode(value), CONTENT, HEADER_TYPE)


def file(value: Any, numbers: tuple[int, ...] = (1,)) -> bytes:
    """The whole single file."""
    cose = header(value)
    return (
        MAGIC
        + len(cose).to_bytes(4, "big")
        + cose
        + b"".join(INIT + seal(0, n) + seal(1, n) + seal(2, n) for n in numbers)
    )
