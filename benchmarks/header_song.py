"""A four-minute song's header, opened by us and by plain libraries; runs under CPython and in Pyodide."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from hashlib import sha256

import cbor2

from pywallet import crypto
from pywallet.errors import InputError
from pywallet.sps import Header, Rendition, Segment, ServerRef, open_header, sign_header

KEY = bytes(range(1, 33))
CONTENT = bytes(range(20))
SEGMENTS = 120


def song(segments: int = SEGMENTS) -> bytes:
    """The signed header of one FLAC rendition of two-second segments."""
    rows = tuple(Segment(200_000 + i, 88_200, sha256(i.to_bytes(4, "big")).digest()) for i in range(segments))
    rendition = Rendition(
        1, "flac", 'audio/mp4; codecs="flac"', 44_100, 2, 16, 88_200 * segments, 88_200, 700, bytes(32), rows, ((1, 0),)
    )
    policy = {
        "permissions": ["play", "seek"],
        "price": {"interval_s": 30, "owner": 10**16, "reward": 10**15, "payer": "station"},
    }
    server = ServerRef("https://security.example", bytes(20), bytes(32))
    header = Header(
        31337, CONTENT, crypto.address_of(KEY), "Song", "Band", policy, (rendition,), server, waveform=bytes(1000)
    )
    return sign_header(header, KEY)


def plain(cose: bytes) -> None:
    """The least that reads it: a general decoder and the signature, no other check."""
    protected, _, payload, signature = cbor2.loads(cose).value
    content = cbor2.loads(payload)["content"]
    owner = cbor2.loads(protected)[4]
    structure = cbor2.dumps(["Signature1", protected, b"\x89SPS\r\n\x1a\n" + content, payload], canonical=True)
    if owner not in {_recovered(sha256(structure).digest(), signature, v) for v in (27, 28)}:
        raise ValueError("signature")


def _recovered(digest: bytes, signature: bytes, v: int) -> bytes | None:
    try:
        return crypto.recover(digest, signature + bytes([v]))
    except InputError:
        return None


def interleaved(
    rounds: int, calls: int, segments: int = SEGMENTS, other: Callable[[bytes], None] = plain
) -> dict[str, float]:
    """Medians in ms of one reading by us and by ``other``, taken in turns."""
    cose = song(segments)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        for read, times in ((open_header, ours), (other, theirs)):
            began = time.perf_counter()
            for _ in range(calls):
                read(cose)
            times.append((time.perf_counter() - began) * 1000 / calls)
    return {"ours": statistics.median(ours), "peer": statistics.median(theirs), "bytes": len(cose)}
