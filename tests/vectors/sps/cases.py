"""Every vector: what is read, and with which code it is refused, if it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from tests.vectors.sps import fields, pages
from tests.vectors.sps.raw import (
    MAGIC,
    ORDER,
    OWNER,
    OWNER_KEY,
    STRANGER,
    STRANGER_KEY,
    Pairs,
    Raw,
    cose,
    encode,
    head,
    protected,
    sign,
    signed,
)
from tests.vectors.sps.song import (
    CLEAR,
    CONTENT,
    CONTENT_KEYS,
    HEADER_TYPE,
    INIT,
    LIVE_TYPE,
    changed,
    epoch_of,
    file,
    fullest,
    header,
    index,
    rendition,
    seal,
    smallest,
)

MALFORMED, SIGNATURE = "sps.header.malformed", "sps.header.signature"


@dataclass(frozen=True)
class Case:
    """``kind`` says which reader; ``code`` is None for what is taken; ``more`` are the reader's other arguments."""

    kind: str
    name: str
    data: bytes
    code: str | None = None
    more: dict[str, Any] = field(default_factory=dict)


def every() -> Iterator[Case]:
    """All of them, in a fixed order."""
    yield from _good()
    # One rendition is enough to change its fields in.
    yield from _fields("header", fullest() | {"renditions": [rendition()]}, fields.HEADER)
    yield from _header_rules()
    yield from _encodings()
    yield from _envelopes()
    yield from _files()
    yield from _pages()
    yield from _segments()
    yield from _live()


def _good() -> Iterator[Case]:
    yield Case("header", "the smallest header", header(smallest()))
    yield Case("header", "every field", header(fullest()))
    yield Case("header", "unknown fields are kept", header(smallest() | {"mood": {"calm": [True, None, -5, b"\0"]}, "z" * 40: 1}))
    yield Case("header", "an unknown field in each map", header(_deep(smallest())))
    yield Case("header", "an amount beyond 64 bits", header(changed(smallest(), "policy.price.owner", (1 << 96) - 1)))
    yield Case("header", "a string of 65536 bytes", header(smallest() | {"mood": bytes(65_536)}))
    yield Case("header", "sixteen levels", header(smallest() | {"mood": Raw(b"\x81" * 14 + b"\x80")}))
    yield Case("header", "a map of 1024 pairs", header(smallest() | {"mood": {f"{i:04}": 0 for i in range(1024)}}))
    yield Case("header", "the largest and the smallest integer", header(smallest() | {"mood": [(1 << 128) - 1, -(1 << 64)]}))
    yield Case("file", "a whole file", file(smallest()))
    yield Case("file", "a whole file of three renditions", file(fullest(), (1, 2, 3)))


def _deep(value: dict[str, Any]) -> dict[str, Any]:
    for path in ("server.mood", "renderer.mood", "policy.mood", "renditions.0.mood"):
        value = changed(value, path, "calm")
    return value


def _fields(kind: str, base: dict[str, Any], table: dict[str, tuple[list[Any], list[Any]]], **more: Any) -> Iterator[Case]:
    malformed = MALFORMED if kind == "header" else "sps.live.malformed"
    make = header if kind == "header" else _index
    for path, (taken, refused) in table.items():
        for number, value in enumerate(taken):
            yield Case(kind, f"{path} takes {number}", make(_fit(base, path, value)), None, more)
        for number, value in enumerate(refused):
            yield Case(kind, f"{path} refuses {number}", make(changed(base, path, value)), malformed, more)
    optional = {
        "album",
        "isrc",
        "genre_confidence",
        "loudness",
        "loudness_range",
        "true_peak",
        "waveform",
        "features",
        "artwork",
        "live",
        "rundown",
        "ended",
    }
    for name in base:
        if name in optional | {"crit"}:
            yield Case(kind, f"{name} may be absent", make(changed(base, name, ...)), None, more)
        elif name not in ("watermark", "genre", "owner"):
            yield Case(kind, f"{name} may not be absent", make(changed(base, name, ...)), malformed, more)


def _fit(base: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The change, with what depends on it put right."""
    out = changed(base, path, value)
    if path == "crit" and isinstance(value, list) and "mood" in value:
        out["mood"] = 1
    return out


def _header_rules() -> Iterator[Case]:
    base = fullest()
    for version in (0, 2, -1, 1 << 64):
        yield Case("header", f"version {version}", header(base | {"v": version}), "sps.version")
    for value in (None, True, "1", b"\1", fields.FLOAT):
        yield Case("header", f"version of another type {value!r:.12}", header(base | {"v": value}), MALFORMED)
    yield Case("header", "an unknown critical field", header(base | {"mood": 1, "crit": ["mood"]}), "sps.header.critical")
    yield Case("header", "one critical field of two unknown", header(base | {"mood": 1, "crit": ["policy", "mood"]}), "sps.header.critical")
    yield Case("header", "version before crit", header(base | {"v": 2, "mood": 1, "crit": ["mood"]}), "sps.version")
    yield Case("header", "crit before other fields", header(base | {"title": 7, "mood": 1, "crit": ["mood"]}), "sps.header.critical")
    yield Case("header", "a confidence without a genre", header(changed(base, "genre", ...)), MALFORMED)
    far = changed(base, "renditions.1.rate", 43_000)
    yield Case("header", "renditions of different length", header(changed(far, "renditions.1.rate", 8_000)), MALFORMED)
    yield Case("header", "renditions nearly as long", header(far))
    yield Case("header", "another owner in the payload", header(base | {"owner": STRANGER}), SIGNATURE)
    for name, value in (("absent", ...), ("null", None), ("short", OWNER[:19]), ("text", OWNER.hex())):
        yield Case("header", f"an owner that is {name}", header(changed(base, "owner", value)), SIGNATURE)
    for name, value in (("null", None), ("short", CONTENT[:19]), ("text", CONTENT.hex())):
        yield Case("header", f"a content that is {name}", header(changed(base, "content", value)), MALFORMED)
    for name, payload in (("a list", [1]), ("a number", 1), ("a text", "header"), ("nothing", Raw(b""))):
        yield Case("header", f"a payload that is {name}", header(payload), MALFORMED)


def _encodings() -> Iterator[Case]:
    """The same map in other bytes, under a signature that holds; and what no deterministic encoding has."""
    base = smallest()
    ordered = tuple(sorted(base.items(), key=lambda pair: encode(pair[0])))

    def with_title(data: bytes) -> bytes:
        return header(base | {"title": Raw(data)})

    def with_mood(data: bytes) -> bytes:
        return header(base | {"mood": Raw(data)})

    yield Case("header", "keys in another order", header(Pairs(tuple(base.items()))), MALFORMED)
    yield Case("header", "keys in the order of the alphabet", header(Pairs(tuple(sorted(base.items())))), MALFORMED)
    yield Case("header", "a key twice with one value", header(Pairs((*ordered[:3], ordered[2], *ordered[3:]))), MALFORMED)
    yield Case("header", "a key twice with two values", header(Pairs((*ordered[:2], (ordered[2][0], 1), *ordered[2:]))), MALFORMED)
    yield Case("header", "a map of indefinite length", header(Raw(b"\xbf" + encode(base)[1:] + b"\xff")), MALFORMED)
    yield Case("header", "a map one pair short", header(Raw(bytes([encode(base)[0] + 1]) + encode(base)[1:])), MALFORMED)
    yield Case("header", "a byte after the map", header(Raw(encode(base) + b"\0")), MALFORMED)
    yield Case("header", "the map's length in two bytes", header(Raw(head(5, len(base), 1) + encode(base)[1:])), MALFORMED)
    yield Case("header", "a text of indefinite length", with_title(b"\x7f\x66Vector\xff"), MALFORMED)
    yield Case("header", "a list of indefinite length", with_mood(b"\x9f\x01\xff"), MALFORMED)
    yield Case("header", "bytes of indefinite length", with_mood(b"\x5f\x41\0\xff"), MALFORMED)
    yield Case("header", "a break alone", with_mood(b"\xff"), MALFORMED)
    for major, name in ((0, "an integer"), (1, "a negative integer"), (2, "bytes"), (3, "a text"), (4, "a list")):
        body = {2: b"aaaaa", 3: b"aaaaa", 4: b"\0\0\0\0\0"}.get(major, b"")
        for size in (1, 2, 4, 8):
            yield Case("header", f"{name} of length {size} where none is needed", with_mood(head(major, 5, size) + body), MALFORMED)
    for size, value in ((2, 255), (4, 65_535), (8, (1 << 32) - 1)):
        yield Case("header", f"{value} in {size} bytes", with_mood(head(0, value, size)), MALFORMED)
    for info in (28, 29, 30):
        yield Case("header", f"a reserved length {info}", with_mood(bytes([info])), MALFORMED)
    for major, name in ((2, "bytes"), (3, "a text"), (4, "a list"), (5, "a map")):
        for size in (2, 4, 8):
            yield Case("header", f"{name} of huge length in {size} bytes", with_mood(head(major, (1 << 8 * size) - 1, size)), MALFORMED)
    for name, data in (
        ("a half float", "f93c00"),
        ("a float", "fa3fc00000"),
        ("a double", "fb3ff199999999999a"),
        ("not a number", "f97e00"),
        ("undefined", "f7"),
        ("a simple value", "f0"),
        ("a simple value in two bytes", "f820"),
        ("false in two bytes", "f814"),
        ("a date as text", "c074323032362d31312d32335430303a30303a30305a"),
        ("a date as number", "c100"),
        ("a negative bignum", "c349010000000000000000"),
        ("a bignum that fits 64 bits", "c248ffffffffffffffff"),
        ("a bignum with a leading zero", "c24a00010000000000000000"),
        ("a bignum of 17 bytes", "c25101" + "00" * 16),
        ("a bignum of text", "c2693132333435363738" + "39"),
        ("a decimal fraction", "c4820105"),
        ("a big decimal exponent", "c4821a7fffffff05"),
        ("encoded CBOR", "d8184100"),
        ("a shareable value", "d81c80"),
        ("a shared reference", "d81d00"),
        ("a string reference", "d81900"),
        ("a regular expression", "d82361" + "2e"),
        ("a set", "d9010281" + "01"),
        ("self-described CBOR", "d9d9f700"),
        ("a text that is not UTF-8", "61ff"),
        ("a text with a surrogate", "63eda080"),
        ("a text cut within a character", "61c3"),
        ("a text in an overlong form", "62c080"),
        ("a map with a number as key", "a10001"),
        ("a map with bytes as key", "a1410001"),
        ("a map with a list as key", "a18001"),
        ("a map with null as key", "a1f601"),
        ("keys out of order, inside", "a2616201616102"),
        ("a key twice, inside", "a2616101616102"),
        ("a longer key first, inside", "a262616101616202"),
    ):
        yield Case("header", name, with_mood(bytes.fromhex(data)), MALFORMED)
    yield Case("header", "seventeen levels", with_mood(b"\x81" * 15 + b"\x80"), MALFORMED)
    yield Case("header", "four hundred levels", with_mood(b"\x81" * 400 + b"\x80"), MALFORMED)
    yield Case("header", "seventeen levels of maps", with_mood(b"\xa1\x61a" * 15 + b"\xa0"), MALFORMED)
    yield Case("header", "a string of 65537 bytes", header(base | {"mood": bytes(65_537)}), MALFORMED)
    yield Case("header", "a text of 65537 bytes", header(base | {"mood": "x" * 65_537}), MALFORMED)
    yield Case("header", "a map of 1025 pairs", header(base | {"mood": {f"{i:04}": 0 for i in range(1025)}}), MALFORMED)


def _envelopes() -> Iterator[Case]:
    payload = encode(smallest())
    shielded = protected(HEADER_TYPE)
    signature = sign(payload, shielded, MAGIC + CONTENT)
    good = [shielded, {}, payload, signature]

    def other(shield: bytes) -> bytes:
        return cose([shield, {}, payload, sign(payload, shield, MAGIC + CONTENT)])

    for name, data in (
        ("nothing", b""),
        ("a zero byte", b"\0"),
        ("no tag", cose(good, None)),
        ("the tag of COSE_Sign", cose(good, 98)),
        ("the tag of COSE_Mac0", cose(good, 17)),
        ("the tag in two bytes", b"\xd8\x12" + encode(good)),
        ("two tags", b"\xd2" + cose(good)),
        ("three parts", cose(good[:3])),
        ("five parts", cose([*good, 0])),
        ("a map instead of the parts", b"\xd2\xa0"),
        ("a byte after it", cose(good) + b"\0"),
        ("the list of indefinite length", b"\xd2\x9f" + b"".join(map(encode, good)) + b"\xff"),
        ("an unprotected parameter", cose([shielded, Raw(b"\xa10401"), payload, signature])),
        ("an unprotected text parameter", cose([shielded, {"a": 1}, payload, signature])),
        ("an unprotected list", cose([shielded, [], payload, signature])),
        ("a detached payload", cose([shielded, {}, None, signature])),
        ("a payload as text", cose([shielded, {}, "payload", signature])),
        ("a payload as a map", cose([shielded, {}, smallest(), signature])),
        ("a protected header as a map", cose([Raw(shielded), {}, payload, signature])),
        ("an empty protected header", cose([b"", {}, payload, signature])),
        ("a signature of 63 bytes", cose([shielded, {}, payload, signature[:63]])),
        ("a signature of 65 bytes", cose([shielded, {}, payload, signature + b"\x1b"])),
        ("a signature as text", cose([shielded, {}, payload, "s" * 64])),
        ("another algorithm", other(protected(HEADER_TYPE, alg=-7))),
        ("the algorithm as text", other(protected(HEADER_TYPE, alg="ES256K"))),
        ("another content type", other(protected("application/sps-live"))),
        ("a content type as number", other(protected(HEADER_TYPE, type=60))),
        ("a key id of 19 bytes", other(protected(HEADER_TYPE, kid=OWNER[:19]))),
        ("a key id of 21 bytes", other(protected(HEADER_TYPE, kid=OWNER + b"\0"))),
        ("a key id as text", other(protected(HEADER_TYPE, kid="x" * 20))),
        ("a protected parameter more", other(protected(HEADER_TYPE, more=[(5, b"iv")]))),
        ("crit in the protected header", other(encode(Pairs(((1, -47), (2, [3]), (3, HEADER_TYPE), (4, OWNER)))))),
        ("the protected header in another order", other(encode(Pairs(((4, OWNER), (3, HEADER_TYPE), (1, -47)))))),
        ("the protected header without a content type", other(encode(Pairs(((1, -47), (4, OWNER)))))),
    ):
        yield Case("header", f"envelope: {name}", data, MALFORMED)
    r, s = signature[:32], int.from_bytes(signature[32:], "big")
    number = lambda value: value.to_bytes(32, "big")  # noqa: E731
    for name, parts in (
        ("one bit of it", [shielded, {}, payload, signature[:-1] + bytes([signature[-1] ^ 1])]),
        ("a high s", [shielded, {}, payload, r + number(ORDER - s)]),
        ("r is zero", [shielded, {}, payload, bytes(32) + signature[32:]]),
        ("s is zero", [shielded, {}, payload, r + bytes(32)]),
        ("r is the order", [shielded, {}, payload, number(ORDER) + signature[32:]]),
        ("s is the order", [shielded, {}, payload, r + number(ORDER)]),
        ("all ones", [shielded, {}, payload, b"\xff" * 64]),
        ("r and s exchanged", [shielded, {}, payload, signature[32:] + r]),
        ("of another key", [shielded, {}, payload, sign(payload, shielded, MAGIC + CONTENT, STRANGER_KEY)]),
        ("of another key id", [protected(HEADER_TYPE, STRANGER), {}, payload, signature]),
        ("without external data", [shielded, {}, payload, sign(payload, shielded, b"")]),
        ("without the magic", [shielded, {}, payload, sign(payload, shielded, CONTENT)]),
        ("for another content", [shielded, {}, payload, sign(payload, shielded, MAGIC + bytes(20))]),
        ("of another structure", [shielded, {}, payload, sign(payload, shielded, MAGIC + CONTENT, context="Signature")]),
        ("of another payload", [shielded, {}, encode(smallest() | {"title": "Vectra"}), signature]),
        (
            "of a shorter payload",
            [shielded, {}, encode(changed(fullest(), "album", ...)), sign(encode(fullest()), shielded, MAGIC + CONTENT)],
        ),
    ):
        yield Case("header", f"signature: {name}", cose(parts), SIGNATURE)
    yield Case("header", "signature: a stranger's header", signed(payload, CONTENT, HEADER_TYPE, STRANGER_KEY), SIGNATURE)
    yield Case("header", "signature before fields", header_with_broken_signature(), SIGNATURE)


def header_with_broken_signature() -> bytes:
    """Wrong in its signature and in a field: the signature is what counts."""
    good = header(smallest() | {"title": 7})
    return good[:-1] + bytes([good[-1] ^ 1])


def _files() -> Iterator[Case]:
    whole = file(smallest())
    length = int.from_bytes(whole[8:12], "big")
    yield Case("file", "cut: nothing", b"", "sps.truncated")
    bounds = {"magic": 8, "length": 12, "header": 12 + length, "init": 12 + length + len(INIT)}
    at = bounds["init"]
    for number in range(len(CLEAR)):
        at += len(seal(number))
        bounds[f"segment {number}"] = at
    for name, end in bounds.items():
        for back in (1, 2):
            yield Case("file", f"cut: {back} before the end of {name}", whole[: end - back], "sps.truncated")
        if end < len(whole):
            yield Case("file", f"cut: at the end of {name}", whole[:end], "sps.truncated")
    yield Case("file", "a byte after the last segment", whole + b"\0", MALFORMED)
    for position in range(8):
        spoilt = bytearray(whole)
        spoilt[position] ^= 0x20
        yield Case("file", f"magic: byte {position}", bytes(spoilt), "sps.magic")
    yield Case("file", "magic: line ends of another system", MAGIC.replace(b"\r\n", b"\n") + whole[8:], "sps.magic")
    yield Case("file", "magic: without its high bit", b"\x09" + whole[1:], "sps.magic")
    yield Case("file", "magic: one wrong byte alone", b"R", "sps.magic")
    for value in (0, (4 << 20) + 1, 0xFFFFFFFF):
        yield Case("file", f"a header of {value} bytes", MAGIC + value.to_bytes(4, "big") + whole[12:], MALFORMED)
    yield Case("file", "a header one byte short", MAGIC + (length - 1).to_bytes(4, "big") + whole[12:], MALFORMED)
    yield Case("file", "a header one byte long", MAGIC + (length + 1).to_bytes(4, "big") + whole[12:], MALFORMED)


def _pages() -> Iterator[Case]:
    song = file(smallest())
    whole = pages.page(song)
    at = whole.index(pages.OPENING) + 4
    digest = sha256(song).digest()
    mark = pages.mark(at, len(song), digest)
    yield Case("page", "a page", whole)
    yield Case("page", "a doctype in capitals", b"<!DOCTYPE HTML>" + whole[15:])
    # The payload is signed as it is; the comment's ends are only in the page.
    broken = file(smallest() | {"title": "one --> two --!> three"})
    yield Case("page", "a song that would end the comment twice", pages.page(broken))
    yield Case("page", "a song that would end the comment, with an empty list", pages.page(broken, []), SIGNATURE)
    yield Case("page", "cut after the song", whole[: at + len(song)])
    yield Case("page", "cut within the song", whole[: at + len(song) - 1], "sps.truncated")
    yield Case("page", "cut within the header", whole[: at + 50], "sps.truncated")
    yield Case("page", "cut at the song", whole[:at], "sps.truncated")
    yield Case("page", "cut before the song", whole[: at - 1], "sps.truncated")
    yield Case("page", "cut within the doctype", whole[:10], "sps.magic")
    yield Case("page", "nothing", b"", "sps.magic")
    yield Case("page", "a song", song, "sps.magic")
    yield Case("page", "another page", b"<!doctype html><title>x</title>" + bytes(100), "sps.magic")
    yield Case("page", "a byte before the doctype", b"\n" + whole, "sps.magic")
    yield Case("page", "the mark after 1024 bytes", whole.replace(mark, b" " * 960 + mark), "sps.magic")
    yield Case("page", "another version of the layout", whole.replace(b"v=1;", b"v=2;", 1), "sps.version")
    for name, offset in (("one early", at - 1), ("one late", at + 1), ("too small", 18), ("zero", 0), ("too large", 262_145)):
        yield Case("page", f"a place that is {name}", whole.replace(mark, pages.mark(offset, len(song), digest)), "sps.magic")
    yield Case("page", "a length of nothing", whole.replace(mark, pages.mark(at, 0, digest)), "sps.magic")
    yield Case("page", "a length that is one short", whole.replace(mark, pages.mark(at, len(song) - 1, digest)), "sps.truncated")
    yield Case("page", "a length that is one long", whole.replace(mark, pages.mark(at, len(song) + 1, digest)), MALFORMED)
    yield Case("page", "numbers without zeros in front", _bare(song))
    for name, fixes in (("repeated", [7, 7]), ("falling", [9, 7]), ("beyond the song", [len(song)]), ("too many", list(range(4097)))):
        yield Case("page", f"a list that is {name}", pages.page(song, fixes), "sps.magic")
    yield Case("page", "a list that spoils the magic", pages.page(song, [0]), "sps.magic")
    yield Case("page", "a list that spoils the signature", pages.page(song, [100]), SIGNATURE)


def _bare(song: bytes) -> bytes:
    long = pages.page(song)
    short = long.replace(b"off=0000000", b"off=").replace(b"len=00000000", b"len=")
    shift = len(long) - len(short)
    at = long.index(pages.OPENING) + 4
    return short.replace(f"off={at:03}".encode(), f"off={at - shift:03}".encode())


def _segments() -> Iterator[Case]:
    for number, clear in enumerate(CLEAR):
        yield Case("segment", f"segment {number}", seal(number), None, _place(number) | {"clear": clear})
    sealed = seal(1)
    place = _place(1)
    for name, change in (
        ("rendition", {"rendition": 2}),
        ("epoch", {"epoch": 8}),
        ("index", {"index": 0}),
        ("content", {"content": bytes(20)}),
    ):
        yield Case("segment", f"another {name}", sealed, "sps.segment.tag", place | change)
    yield Case("segment", "another key", sealed, "sps.segment.tag", place | {"key": bytes(32)})
    for name, data in (("nonce", _flip(sealed, 0)), ("ciphertext", _flip(sealed, 12)), ("tag", _flip(sealed, -1)), ("length", sealed[:-1])):
        yield Case("segment", f"a changed {name}", data, "sps.segment.hash", place)
        yield Case("segment", f"a changed {name} in the table too", data, "sps.segment.tag", place | {"sha256": sha256(data).digest()})
    for size in (0, 11, 12, 27):
        yield Case("segment", f"only {size} bytes", sealed[:size], "sps.segment.tag", place | {"sha256": sha256(sealed[:size]).digest()})


def _place(number: int) -> dict[str, Any]:
    epoch = epoch_of(number)
    digest = sha256(seal(number)).digest()
    return {"sha256": digest, "key": CONTENT_KEYS[epoch], "content": CONTENT, "rendition": 1, "epoch": epoch, "index": number}


def _flip(data: bytes, at: int) -> bytes:
    out = bytearray(data)
    out[at] ^= 1
    return bytes(out)


def _index(value: Any) -> bytes:
    return signed(encode(value), CONTENT, LIVE_TYPE)


def _live() -> Iterator[Case]:
    base, who = index(), {"content": CONTENT, "signer": OWNER}
    malformed, signature = "sps.live.malformed", "sps.live.signature"
    every_field = base | {"rundown": {"sha256": bytes(32), "urls": ["https://radio.example/rundown"]}, "ended": True, "mood": 1}
    yield Case("live", "the smallest index", _index(base), None, who)
    yield Case("live", "every field", _index(every_field), None, who)
    yield from _fields("live", base, fields.LIVE, **who)
    for version in (0, 2):
        yield Case("live", f"version {version}", _index(base | {"v": version}), "sps.version", who)
    yield Case("live", "an unknown critical field", _index(base | {"mood": 1, "crit": ["mood"]}), "sps.header.critical", who)
    yield Case("live", "another content in the payload", _index(base | {"content": bytes(20)}), malformed, who)
    yield Case("live", "more rows than the window", _index(base | {"segments": base["segments"] * 2}), malformed, who)
    yield Case("live", "a payload that is a list", _index([1]), malformed, who)
    yield Case("live", "257 pairs", _index(base | {"mood": {f"{i:04}": 0 for i in range(257)}}), malformed, who)
    yield Case("live", "a song's header", header(smallest()), malformed, who)
    yield Case("live", "for another content", _index(base), signature, who | {"content": bytes(20)})
    yield Case("live", "of another signer", _index(base), signature, who | {"signer": STRANGER})
    yield Case("live", "one bit of the signature", _flip(_index(base), -1), signature, who)
    payload = encode(base)
    lent = cose([protected(LIVE_TYPE), {}, payload, sign(payload, protected(HEADER_TYPE), MAGIC + CONTENT, OWNER_KEY)])
    yield Case("live", "a signature lent from another type", lent, signature, who)
