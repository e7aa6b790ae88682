"""Vectors of whole files, pages, segments and live indexes."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from tests.vectors.sps import fields, pages
from tests.vectors.sps.case import MALFORMED, SIGNATURE, Case, of_fields
from tests.vectors.sps.raw import MAGIC, OWNER, OWNER_KEY, STRANGER, cose, encode, protected, sign, signed
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
    header,
    index,
    seal,
    smallest,
    terms,
)


def files() -> Iterator[Case]:
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


def in_pages() -> Iterator[Case]:
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
    for name, offset in (
        ("one early", at - 1),
        ("one late", at + 1),
        ("too small", 18),
        ("zero", 0),
        ("too large", 262_145),
    ):
        yield Case(
            "page", f"a place that is {name}", whole.replace(mark, pages.mark(offset, len(song), digest)), "sps.magic"
        )
    yield Case("page", "a length of nothing", whole.replace(mark, pages.mark(at, 0, digest)), "sps.magic")
    yield Case(
        "page",
        "a length that is one short",
        whole.replace(mark, pages.mark(at, len(song) - 1, digest)),
        "sps.truncated",
    )
    yield Case(
        "page", "a length that is one long", whole.replace(mark, pages.mark(at, len(song) + 1, digest)), MALFORMED
    )
    yield Case("page", "numbers without zeros in front", _bare(song))
    for name, fixes in (
        ("repeated", [7, 7]),
        ("falling", [9, 7]),
        ("beyond the song", [len(song)]),
        ("too many", list(range(4097))),
    ):
        yield Case("page", f"a list that is {name}", pages.page(song, fixes), "sps.magic")
    yield from _forms(song, whole, mark)
    yield Case("page", "a list that spoils the magic", pages.page(song, [0]), "sps.magic")
    yield Case("page", "a list that spoils the signature", pages.page(song, [100]), SIGNATURE)


def _forms(song: bytes, whole: bytes, mark: bytes) -> Iterator[Case]:
    """Elements of another form are no mark and no list; of several the first counts."""
    at, digest = whole.index(pages.OPENING) + 4, sha256(song).digest()
    yield Case(
        "page",
        "a mark with its hash in capitals",
        whole.replace(digest.hex().encode(), digest.hex().upper().encode()),
        "sps.magic",
    )
    for name, old, new in (
        ("in capitals", b'name="sps"', b'NAME="SPS"'),
        ("with single quotes", mark, mark.replace(b'"', b"'")),
        ("with a space", b"v=1;off", b"v=1; off"),
        ("with its fields exchanged", mark, mark.replace(b"v=1;", b"").replace(b'">', b';v=1">')),
        ("with a version of four digits", b"v=1;", b"v=0001;"),
        ("with a place of eleven digits", b"off=", b"off=0"),
        ("with a length of thirteen digits", b"len=", b"len=0"),
        ("with a hash of 63 digits", mark, mark[:-3] + mark[-2:]),
        ("with a sign", b"off=0", b"off=+"),
    ):
        yield Case("page", f"a mark {name}", whole.replace(old, new, 1), "sps.magic")
    for name, first, second, code in (
        ("two marks, the first right", (0, 0), (7, 0), None),
        ("two marks, the second right", (7, 0), (0, 0), "sps.magic"),
    ):
        shift = at + len(mark)
        two = [pages.mark(shift + one[0], len(song) + one[1], digest) for one in (first, second)]
        yield Case("page", name, whole.replace(mark, two[0] + two[1]), code)
    half = pages.mark(at + len(mark), len(song), digest)
    odd = half.replace(b"sha256=", b"sha256=x")[: len(half)]
    yield Case("page", "a mark of another form before the right one", whole.replace(mark, odd + half))
    broken = file(smallest() | {"title": "one --> two --!> three"})
    places = [found for found in range(len(broken)) if broken[: found + 1].endswith((b"-->", b"--!>"))]
    right = f'<meta name="sps-fix" content="{",".join(map(str, places))}">'.encode()
    zeros = b"0" * (12 - len(str(places[0])))
    for name, lists, code in (
        ("an empty list", b'<meta name="sps-fix" content="">', SIGNATURE),
        ("a list with a gap", right.replace(b",", b",,", 1), SIGNATURE),
        ("a list that ends with a comma", right.replace(b'">', b',">'), SIGNATURE),
        (
            "a list with a number of thirteen digits",
            right.replace(b'content="', b'content="0' + zeros),
            SIGNATURE,
        ),
        ("a list with a number of twelve digits", right.replace(b'content="', b'content="' + zeros), None),
        ("a list with spaces", right.replace(b",", b", "), SIGNATURE),
        ("two lists, the first right", right + right.replace(b",", b"9,", 1), None),
        ("two lists, the second right", b'<meta name="sps-fix" content="100">' + right, SIGNATURE),
        ("an empty list before the right one", b'<meta name="sps-fix" content="">' + right, None),
    ):
        yield Case("page", name, pages.page(broken, [], lists + pages.TITLE), code)
    yield Case("page", "a list after the song", pages.page(broken, []) + right, SIGNATURE)


def _bare(song: bytes) -> bytes:
    long = pages.page(song)
    short = long.replace(b"off=0000000", b"off=").replace(b"len=00000000", b"len=")
    shift = len(long) - len(short)
    at = long.index(pages.OPENING) + 4
    return short.replace(f"off={at:03}".encode(), f"off={at - shift:03}".encode())


def segments() -> Iterator[Case]:
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
    for name, data in (
        ("nonce", _flip(sealed, 0)),
        ("ciphertext", _flip(sealed, 12)),
        ("tag", _flip(sealed, -1)),
        ("length", sealed[:-1]),
    ):
        yield Case("segment", f"a changed {name}", data, "sps.segment.hash", place)
        yield Case(
            "segment",
            f"a changed {name} in the table too",
            data,
            "sps.segment.tag",
            place | {"sha256": sha256(data).digest()},
        )
    for size in (0, 11, 12, 27):
        yield Case(
            "segment",
            f"only {size} bytes",
            sealed[:size],
            "sps.segment.tag",
            place | {"sha256": sha256(sealed[:size]).digest()},
        )


def _place(number: int) -> dict[str, Any]:
    epoch = epoch_of(number)
    digest = sha256(seal(number)).digest()
    return {
        "sha256": digest,
        "key": CONTENT_KEYS[epoch],
        "content": CONTENT,
        "rendition": 1,
        "epoch": epoch,
        "index": number,
    }


def _flip(data: bytes, at: int) -> bytes:
    out = bytearray(data)
    out[at] ^= 1
    return bytes(out)


def _index(value: Any) -> bytes:
    return signed(encode(value), CONTENT, LIVE_TYPE)


def live() -> Iterator[Case]:
    base, who = index(), {"content": CONTENT, "signer": OWNER}
    malformed, signature = "sps.live.malformed", "sps.live.signature"
    every_field = base | {
        "rundown": {"sha256": bytes(32), "urls": ["https://radio.example/rundown"]},
        "ended": True,
        "mood": 1,
    }
    yield Case("live", "the smallest index", _index(base), None, who)
    yield Case("live", "every field", _index(every_field), None, who)
    yield from of_fields("live", _index, base, fields.LIVE, **who)
    for version in (0, 2):
        yield Case("live", f"version {version}", _index(base | {"v": version}), "sps.version", who)
    yield Case(
        "live", "an unknown critical field", _index(base | {"mood": 1, "crit": ["mood"]}), "sps.header.critical", who
    )
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


def policies() -> Iterator[Case]:
    """Terms, as the map that stands in the header."""
    base = terms()
    malformed = "policy.malformed"
    yield Case("policy", "every field", encode(base))
    yield Case(
        "policy", "the smallest terms", encode({"permissions": [], "price": {"interval_s": 1, "owner": 0, "reward": 0}})
    )
    yield from of_fields("policy", encode, base, fields.POLICY)
    yield Case("policy", "an unknown field", encode(base | {"mood": 1}))
    yield Case(
        "policy", "an unknown critical field", encode(base | {"mood": 1, "crit": ["mood"]}), "sps.header.critical"
    )
    yield Case(
        "policy",
        "an unknown critical field that is absent",
        encode(base | {"crit": ["lease", "mood"]}),
        "sps.header.critical",
    )
    for path in ("price.mood", "lease.mood", "counts.play.mood"):
        yield Case("policy", f"an unknown field {path}", encode(changed(base, path, 1)), malformed)
    yield Case(
        "policy",
        "an unknown critical field in a child",
        encode(changed(base, "child.crit", ["mood"])),
        "sps.header.critical",
    )
    critical = changed(base, "child.crit", ["mood"])
    for name, path, value in (
        ("self_destruct", "self_destruct", ["never"]),
        ("price", "price.owner", -1),
        ("permissions", "permissions", ["play"]),
        ("price of the child", "child.price.owner", -1),
    ):
        code = "sps.header.critical" if path.startswith("child") else malformed
        yield Case(
            "policy",
            f"wrong {name} and an unknown critical field in a child",
            encode(changed(critical, path, value)),
            code,
        )
    both = changed(base | {"crit": ["mood"]}, "price.owner", -1)
    yield Case("policy", "an unknown critical field and a wrong price", encode(both), "sps.header.critical")
    yield Case("policy", "crit in crit", encode(base | {"crit": ["crit", "lease"]}))
    yield Case("policy", "any station among named ones", encode(base | {"stations": ["radio.example", "*"]}))
    yield Case("policy", "four children within each other", encode(_family(4)))
    yield Case("policy", "five children within each other", encode(_family(5)), malformed)
    for name, value in (("a list", []), ("a text", "play"), ("null", None)):
        yield Case("policy", f"terms that are {name}", encode(value), malformed)


def _family(generations: int) -> dict[str, Any]:
    out: dict[str, Any] = {"permissions": ["transfer"], "price": {"interval_s": 1, "owner": 0, "reward": 0}}
    for _ in range(generations):
        out = out | {"child": out}
    return out
