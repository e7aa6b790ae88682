"""A second reader, written from docs/format alone: cbor2, libsecp256k1 and cryptography, nothing of ours.

It decides by other means than the first: a general decoder, then the same
bytes must come out of a canonical encoder; fields by the CDDL files.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from fractions import Fraction
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import cbor2
from btclib_secp256k1 import recovery
from Crypto.Hash import keccak
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.vectors.sps.cddl import Schema

FORMAT: Final = Path(__file__).resolve().parents[3] / "docs" / "format"
SCHEMA: Final = Schema(*(FORMAT / f"{name}.cddl" for name in ("common", "segments", "header", "live", "policy")))
# Terms are judged after the header, with a code of their own.
TERMS: Final = SCHEMA.rules["policy-map"]
SCHEMA.rules["policy-map"] = lambda value: type(value) is dict
MAGIC: Final = bytes.fromhex("895350530d0a1a0a")
HALF: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
FORBIDDEN: Final = [(0, 0x1F), (0x7F, 0x9F), (0x2028, 0x202E), (0x2066, 0x2069), (0xFFFE, 0xFFFF)]
URL: Final = r"https?://[A-Za-z0-9._~:%\[\]-]+(/[A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]*)?"
MEDIA: Final = r"[a-z]+/[A-Za-z0-9.+-]+(; ?[a-z]+=(\"[A-Za-z0-9.,+ -]+\"|[A-Za-z0-9.+-]+))*"
# windows-1252, whose five gaps stand for themselves; NUL came as U+FFFD.
BYTES: Final = {
    chr(byte) if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([byte]).decode("cp1252"): byte for byte in range(256)
}
BYTES["\ufffd"] = 0
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
LIVE_FIELDS: Final = [
    "v",
    "content",
    "number",
    "time_ms",
    "rendition",
    "codec",
    "mime",
    "rate",
    "channels",
    "bits",
    "segment_samples",
    "init",
    "window",
    "first",
    "sample",
    "segments",
    "rundown",
    "ended",
    "crit",
]


POLICY_FIELDS: Final = [
    "permissions",
    "counts",
    "ttl_s",
    "not_before_s",
    "expires_s",
    "start_by_s",
    "metered_s",
    "preview_s",
    "key_epoch_s",
    "part",
    "stations",
    "territories",
    "purposes",
    "devices",
    "concurrent",
    "price",
    "listener",
    "lease",
    "renewal",
    "tracking",
    "self_destruct",
    "child",
    "crit",
]


class No(Exception):
    """Refused, with a code."""


def require(holds: bool, code: str = "malformed") -> None:
    """Refuse unless ``holds``."""
    if not holds:
        raise No(code)


def read_file(data: bytes) -> dict[str, Any]:
    """A whole single file."""
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
    """The single file of an exploded folder: ``start`` is its ``header.sps``, ``parts`` are its other files by name."""
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


def read_page(data: bytes) -> dict[str, Any]:
    """The file in a self-rendering page."""
    at, size, places = find_song(data)
    song = bytearray(data[at : at + size])
    for place in places:
        if place < len(song):
            song[place] = 0x3E
    return read_file(bytes(song))


def find_song(data: bytes) -> tuple[int, int, list[int]]:
    """A page's song: offset, length, places to put back."""
    mark = re.search(
        rb'<meta name="sps" content="v=(\d{1,3});off=(\d{1,10});len=(\d{1,12});sha256=([0-9a-f]{64})">', data[:1024]
    )
    require(data[:15].lower() == b"<!doctype html>" and mark is not None, "sps.magic")
    require(int(mark[1]) == 1, "sps.version")
    at, size = int(mark[2]), int(mark[3])
    require(19 <= at <= 262_144 and size > 0, "sps.magic")
    require(len(data) >= at, "sps.truncated")
    require(data[at - 4 : at] == b"<!--", "sps.magic")
    listed = re.search(rb'<meta name="sps-fix" content="(\d{1,12}(,\d{1,12})*)">', data[:at])
    places = [int(word) for word in listed[1].split(b",")] if listed else []
    require(
        len(places) <= 4096 and places == sorted(set(places)) and all(place < size for place in places), "sps.magic"
    )
    return at, size, places


def read_text(text: str, bits: str, pairs: str) -> bytes:
    """The bytes of a page's comment from its text."""
    flags, doubled, out = base64.b64decode(bits), {int(word) for word in pairs.split()}, []
    first, *lines = text.split("\n")
    require(len(lines) <= 8 * len(flags), "sps.segment.hash")
    try:
        out.append(bytes([BYTES[character] for character in first]))
        for number, line in enumerate(lines):
            returned = flags[number // 8] >> (7 - number % 8) & 1
            out.append(b"\r\n" if number in doubled else b"\r" if returned else b"\n")
            out.append(bytes([BYTES[character] for character in line]))
    except KeyError:
        raise No("sps.segment.hash") from None
    return b"".join(out)


def read_header(data: bytes) -> dict[str, Any]:
    """The signed header's map."""
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
    """What the CDDL cannot say of a rendition."""
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


def read_live(data: bytes, content: bytes, signer: bytes, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """A live index's map, held against the one read before it."""
    protected, kid, payload, signature = envelope(data, "application/sps-live")
    require(kid == signer, "signature")
    verify(protected, MAGIC + content, payload, signature, signer)
    value = plain(payload, items=55_000, entries=10_000, pairs=256)
    require(type(value) is dict)
    versioned(value, LIVE_FIELDS)
    require(SCHEMA.matches("live-index", value))
    require(media(value["mime"], "audio/"))
    require(value["content"] == content and len(value["segments"]) <= value["window"])
    require(value["first"] <= 0xFFFFFFFF - value["window"])
    require(all(row[1] <= value["segment_samples"] for row in value["segments"]))
    urls(value.get("rundown", {}).get("urls", []))
    if before is not None:
        require(follows(value, before), "sps.live.order")
    return value


def follows(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """docs/format/live.md, "Order"."""
    same = ("content", "rendition", "codec", "mime", "rate", "channels", "bits", "segment_samples", "init")
    if any(new[name] != old[name] for name in same) or any(
        new[name] < old[name] for name in ("number", "time_ms", "first")
    ):
        return False
    new_end, old_end = (one["first"] + len(one["segments"]) for one in (new, old))
    if new_end < old_end:
        return False
    if (new["number"] == old["number"] or "ended" in old) and any(
        new.get(name) != old.get(name) for name in ("first", "sample", "segments", "ended")
    ):
        return False
    # Rows by sequence number, each with the sample it begins at; the old end, where the next one begins.
    rows: dict[int, tuple[int, list[Any]]] = {}
    at = old["sample"]
    for number, row in enumerate(old["segments"], old["first"]):
        rows[number] = at, row
        at += row[1]
    if new["first"] >= old_end:
        missed = new["first"] - old_end
        return bool(at + missed <= new["sample"] <= at + missed * new["segment_samples"])
    place = new["sample"]
    for number, row in enumerate(new["segments"], new["first"]):
        if number < old_end and rows[number] != (place, row):
            return False
        place += row[1]
    return True


def read_policy(data: bytes) -> dict[str, Any]:
    """The terms."""
    value = plain(data)
    policy(value, 0)
    return value


def policy(value: Any, generation: int) -> None:
    """One policy: crit, then the CDDL, then what it cannot say."""
    code = "policy.malformed"
    require(type(value) is dict, code)
    crit = value.get("crit", [])
    require(texts_once(crit), code)
    require(all(name in POLICY_FIELDS for name in crit), "sps.header.critical")
    child = value.get("child")
    require(TERMS({name: item for name, item in value.items() if name != "child"}), code)
    lists = ("permissions", "stations", "territories", "purposes", "self_destruct")
    require(all(texts_once(value.get(name, [])) for name in lists), code)
    for action, count in value.get("counts", {}).items():
        unit = count.get("unit", "start")
        require(unit == "start" or action in ("play", "preview", "live_join"), code)
        require((unit == "timed") == ("after_s" in count), code)
        require(unit in ("start", "timed") or not {"per_s", "within_s"} & count.keys(), code)
    price, part, renewal = value["price"], value.get("part", {}), value.get("renewal")
    require(max(price["owner"], price["reward"]) < 1 << 96, code)
    require(price.get("payer") != "nobody" or price["owner"] == price["reward"] == 0, code)
    require("to_s" not in part or part["to_s"] > part.get("from_s", 0), code)
    require(renewal is None or renewal["retry_s"] <= renewal["every_s"], code)
    require("preview_s" not in value or "preview" in value["permissions"], code)
    if "child" in value:
        require(generation < 4 and "transfer" in value["permissions"], code)
        policy(child, generation + 1)


def texts_once(values: Any) -> bool:
    """A list of at most 256 texts of 1 to 253 characters, none twice."""
    good = (
        type(values) is list
        and len(values) <= 256
        and all(type(value) is str and 1 <= len(value) <= 253 for value in values)
    )
    return good and len(set(values)) == len(values)


def open_segment(
    sealed: bytes, digest: bytes, key: bytes, content: bytes, rendition_id: int, epoch: int, index: int
) -> bytes:
    """A clear segment from its place."""
    require(sha256(sealed).digest() == digest, "sps.segment.hash")
    info = b"sps/1 segment" + rendition_id.to_bytes(2, "big") + index.to_bytes(4, "big")
    aad = content + rendition_id.to_bytes(2, "big") + epoch.to_bytes(4, "big") + index.to_bytes(4, "big")
    try:
        return AESGCM(HKDF(SHA256(), 32, None, info).derive(key)).decrypt(sealed[:12], sealed[12:], aad)
    except (InvalidTag, ValueError):
        raise No("sps.segment.tag") from None


def envelope(data: bytes, content_type: str) -> tuple[bytes, bytes, bytes, bytes]:
    """Protected header, key id, payload and signature."""
    require(len(data) <= 4_194_304)
    outer = decode(data)
    require(
        isinstance(outer, cbor2.CBORTag) and outer.tag == 18 and type(outer.value) is list and len(outer.value) == 4
    )
    protected, unprotected, payload, signature = outer.value
    require(
        all(type(part) is bytes for part in (protected, payload, signature))
        and unprotected == {}
        and len(signature) == 64
    )
    names = decode(protected)
    require(type(names) is dict and list(names) == [1, 3, 4] and names[1] == -47 and names[3] == content_type)
    require(type(names[4]) is bytes and len(names[4]) == 20)
    return protected, names[4], payload, signature


def verify(protected: bytes, external: bytes, payload: bytes, signature: bytes, signer: bytes) -> None:
    """ES256K by the key whose address is ``signer``."""
    digest = sha256(cbor2.dumps(["Signature1", protected, external, payload], canonical=True)).digest()
    require(0 < int.from_bytes(signature[32:], "big") <= HALF, "signature")
    for parity in (0, 1):
        try:
            key = bytes(recovery.recover(digest, signature, parity, compressed=False))
        except ValueError:
            continue
        if keccak.new(digest_bits=256, data=key[1:]).digest()[12:] == signer:
            return
    raise No("signature")


def versioned(value: dict[str, Any], known: list[str]) -> None:
    """Version first, then crit, before any other field has a meaning."""
    require(type(value.get("v")) is int)
    require(value["v"] == 1, "sps.version")
    if "crit" in value:
        require(SCHEMA.matches("crit-names", value["crit"]) and len(set(value["crit"])) == len(value["crit"]))
        require(all(name in value and name != "crit" for name in value["crit"]))
        require(all(name in known for name in value["crit"]), "sps.header.critical")


def texts(value: dict[str, Any], names: tuple[str, ...]) -> None:
    """Text for people."""
    for name in names:
        text = value.get(name, "")
        require(len(text) <= 500 and not any(low <= ord(c) <= high for c in text for low, high in FORBIDDEN))


def urls(values: list[str]) -> None:
    """URLs, none twice."""
    require(all(re.fullmatch(URL, value) for value in values) and len(set(values)) == len(values))


def media(value: str, kind: str) -> bool:
    """A media type of a kind."""
    return value.startswith(kind) and bool(re.fullmatch(MEDIA, value))


def decode(data: bytes) -> Any:
    """One item whose deterministic encoding is ``data``."""
    stream = BytesIO(data)
    try:
        value = cbor2.load(stream)
        again = cbor2.dumps(value, canonical=True)
    except Exception:
        raise No("malformed") from None
    require(again == data)
    return value


def plain(data: bytes, items: int = 400_000, entries: int = 100_000, pairs: int = 1024) -> Any:
    """An item of plain data within the limits."""
    value = decode(data)
    waiting, count = [(value, 0)], 0
    while waiting:
        item, depth = waiting.pop()
        count += 1
        kind = type(item)
        require(kind in (int, bytes, str, list, dict, bool, type(None)) and count <= items)
        if kind is int:
            require(-(1 << 64) <= item < 1 << 128)
            # Tag and byte string.
            count += item >= 1 << 64
            require(count <= items)
        elif kind in (bytes, str):
            require(len(item if kind is bytes else item.encode()) <= 65_536)
        elif kind is list:
            require(depth < 16 and len(item) <= entries)
            waiting += [(each, depth + 1) for each in item]
        elif kind is dict:
            require(depth < 16 and len(item) <= pairs and all(type(key) is str for key in item))
            waiting += [(each, depth + 1) for pair in item.items() for each in pair]
    return value


def tree(hashes: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it is written there."""
    if len(hashes) == 1:
        return sha256(b"\0" + hashes[0]).digest()
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1" + tree(hashes[:k]) + tree(hashes[k:])).digest()
