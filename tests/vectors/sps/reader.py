"""Second reader of files and headers, written from docs/format alone: it imports no code of the project.

It decides by other means than the first reader: see ``reader_encoding``; fields are checked by the CDDL files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.vectors.sps.reader_encoding import MAGIC, Refused, envelope, plain, require, tree, verify
from tests.vectors.sps.reader_fields import SCHEMA, media, texts, urls, versioned

HEADER_FIELDS: Final = [
    "v",
    "chain",
    "content",
    "owner",
    "title",
    "artist",
    "album",
    "isrc",
    "genre",
    "genre_confidence",
    "loudness",
    "loudness_range",
    "true_peak",
    "waveform",
    "artwork",
    "policy",
    "features",
    "renditions",
    "watermark",
    "live",
    "server",
    "delivery",
    "renderer",
    "crit",
]


def read_file(data: bytes) -> dict[str, Any]:
    """Return the header of a whole single file."""
    require(data[:8] == MAGIC[: len(data)], "sps.magic")
    require(len(data) >= 12, "sps.truncated")
    length = int.from_bytes(data[8:12], "big")
    require(1 <= length <= 4_194_304)
    require(len(data) >= 12 + length, "sps.truncated")
    header = read_header(data[12 : 12 + length])
    size = 12 + length + sum(r["init"][0] + sum(row[0] for row in r["segments"]) for r in header["renditions"])
    require(len(data) >= size, "sps.truncated")
    require(len(data) == size)
    return header


def read_exploded(start: bytes, parts: Mapping[str, bytes]) -> bytes:
    """Return the single file of an exploded folder: its ``header.sps`` and its other files by name."""
    require(start[:8] == MAGIC[: len(start)], "sps.magic")
    require(len(start) >= 12, "sps.truncated")
    length = int.from_bytes(start[8:12], "big")
    require(1 <= length <= 4_194_304)
    require(len(start) >= 12 + length, "sps.truncated")
    header = read_header(start[12 : 12 + length])
    require(len(start) == 12 + length)
    song = bytearray(start)
    for one in header["renditions"]:
        for size, digest in [one["init"], *((row[0], row[2]) for row in one["segments"])]:
            name = digest.hex() + ".part"
            require(name in parts, "sps.segment.missing")
            require(len(parts[name]) == size and sha256(parts[name]).digest() == digest, "sps.segment.hash")
            song += parts[name]
    return bytes(song)


def read_header(data: bytes) -> dict[str, Any]:
    """Return the map of a signed header."""
    protected, signer, payload, signature = envelope(data, "application/sps-header")
    value = plain(payload)
    require(type(value) is dict and type(value.get("content")) is bytes and len(value["content"]) == 20)
    verify(protected, MAGIC + value["content"], payload, signature, signer)
    require(value.get("owner") == signer, "signature")
    versioned(value, HEADER_FIELDS)
    require(SCHEMA.matches("header", value))
    texts(value, ("title", "artist", "album", "genre"))
    require("genre_confidence" not in value or "genre" in value)
    require("isrc" not in value or bool(re.fullmatch("[A-Z]{2}[A-Z0-9]{3}[0-9]{7}", value["isrc"])))
    urls([value["server"]["url"]])
    urls(value["delivery"])
    urls(value.get("live", {}).get("urls", []))
    if art := value.get("artwork"):
        urls(art.get("urls", []))
        require(media(art["mime"], "image/"))
    if marks := value.get("watermark"):
        require(len(set(marks["layers"])) == len(marks["layers"]))
        require(all(re.fullmatch("[a-z][a-z0-9_-]*", layer) for layer in marks["layers"]))
    require(bool(re.fullmatch(r"[0-9]+(\.[0-9]+){0,3}", value["renderer"]["version"])))
    renditions = value["renditions"]
    for one in renditions:
        rendition(one)
    require(len({one["id"] for one in renditions}) == len(renditions))
    lengths = [Fraction(one["samples"], one["rate"]) for one in renditions]
    require(max(lengths) - min(lengths) <= 1)
    return value


def rendition(one: dict[str, Any]) -> None:
    """Check what CDDL cannot express of a rendition."""
    require(media(one["mime"], "audio/"))
    rows, per = one["segments"], one["segment_samples"]
    require(all(row[1] == per for row in rows[:-1]) and rows[-1][1] <= per)
    require(sum(row[1] for row in rows) == one["samples"])
    require(one["root"] == tree([row[2] for row in rows]))
    epochs, firsts = zip(*one["key_epochs"], strict=True)
    require(
        len(set(epochs)) == len(epochs)
        and firsts[0] == 0
        and list(firsts) == sorted(set(firsts))
        and firsts[-1] < len(rows)
    )


def open_segment(
    sealed: bytes, digest: bytes, key: bytes, content: bytes, rendition_id: int, epoch: int, index: int
) -> bytes:
    """Return the clear segment at a place."""
    require(sha256(sealed).digest() == digest, "sps.segment.hash")
    info = b"sps/1 segment" + rendition_id.to_bytes(2, "big") + index.to_bytes(4, "big")
    aad = content + rendition_id.to_bytes(2, "big") + epoch.to_bytes(4, "big") + index.to_bytes(4, "big")
    try:
        return AESGCM(HKDF(SHA256(), 32, None, info).derive(key)).decrypt(sealed[:12], sealed[12:], aad)
    except (InvalidTag, ValueError):
        raise Refused("sps.segment.tag") from None
