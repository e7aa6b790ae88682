"""Every vector: what is read, and with which code it is refused, if it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.vectors.sps import fields, parts, sequences
from tests.vectors.sps.case import MALFORMED, SIGNATURE, Case, of_fields
from tests.vectors.sps.raw import (
    MAGIC,
    ORDER,
    OWNER,
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
from tests.vectors.sps.song import CONTENT, HEADER_TYPE, changed, file, fullest, header, rendition, smallest


def every() -> Iterator[Case]:
    """All of them, in a fixed order."""
    yield from _good()
    # One rendition is enough to change its fields in.
    yield from of_fields("header", header, fullest() | {"renditions": [rendition()]}, fields.HEADER)
    yield from _header_rules()
    yield from _encodings()
    yield from _envelopes()
    yield from parts.files()
    yield from parts.in_pages()
    yield from parts.segments()
    yield from parts.live()
    yield from parts.policies()
    yield from sequences.live_order()
    yield from sequences.live_size()
    yield from sequences.exploded()
    yield from sequences.texts()
    yield from sequences.sizes()


def _good() -> Iterator[Case]:
    yield Case("header", "the smallest header", header(smallest()))
    yield Case("header", "every field", header(fullest()))
    yield Case(
        "header",
        "unknown fields are kept",
        header(smallest() | {"mood": {"calm": [True, None, -5, b"\0"]}, "z" * 40: 1}),
    )
    yield Case("header", "an unknown field in each map", header(_deep(smallest())))
    yield Case("header", "an amount beyond 64 bits", header(changed(smallest(), "policy.price.owner", (1 << 96) - 1)))
    yield Case("header", "a string of 65536 bytes", header(smallest() | {"mood": bytes(65_536)}))
    yield Case("header", "sixteen levels", header(smallest() | {"mood": Raw(b"\x81" * 14 + b"\x80")}))
    yield Case(
        "header",
        "a big integer within sixteen lists",
        header(smallest() | {"mood": Raw(b"\x81" * 15 + encode(1 << 64))}),
    )
    yield Case("header", "a map of 1024 pairs", header(smallest() | {"mood": {f"{i:04}": 0 for i in range(1024)}}))
    yield Case(
        "header", "the largest and the smallest integer", header(smallest() | {"mood": [(1 << 128) - 1, -(1 << 64)]})
    )
    yield Case("file", "a whole file", file(smallest()))
    yield Case("file", "a whole file of three renditions", file(fullest(), (1, 2, 3)))


def _deep(value: dict[str, Any]) -> dict[str, Any]:
    for path in ("server.mood", "renderer.mood", "policy.mood", "renditions.0.mood"):
        value = changed(value, path, "calm")
    return value


def _header_rules() -> Iterator[Case]:
    base = fullest()
    for version in (0, 2, -1, 1 << 64):
        yield Case("header", f"version {version}", header(base | {"v": version}), "sps.version")
    for value in (None, True, "1", b"\1", fields.FLOAT):
        yield Case("header", f"version of another type {value!r:.12}", header(base | {"v": value}), MALFORMED)
    yield Case(
        "header", "an unknown critical field", header(base | {"mood": 1, "crit": ["mood"]}), "sps.header.critical"
    )
    yield Case(
        "header",
        "one critical field of two unknown",
        header(base | {"mood": 1, "crit": ["policy", "mood"]}),
        "sps.header.critical",
    )
    yield Case("header", "version before crit", header(base | {"v": 2, "mood": 1, "crit": ["mood"]}), "sps.version")
    yield Case(
        "header",
        "crit before other fields",
        header(base | {"title": 7, "mood": 1, "crit": ["mood"]}),
        "sps.header.critical",
    )
    yield Case("header", "a confidence without a genre", header(changed(base, "genre", ...)), MALFORMED)
    far = changed(base, "renditions.1.rate", 43_000)
    yield Case("header", "renditions of different length", header(changed(far, "renditions.1.rate", 8_000)), MALFORMED)
    yield Case("header", "renditions nearly as long", header(far))
    # 4 s and 5 s, then five samples' worth less than one per mille of a second more.
    near = changed(base, "renditions.0.rate", 44_225) | {}
    near = near | {"renditions": near["renditions"][:2]}
    yield Case("header", "renditions one second apart", header(changed(near, "renditions.1.rate", 35_380)))
    yield Case(
        "header", "renditions 1.00014 seconds apart", header(changed(near, "renditions.1.rate", 35_379)), MALFORMED
    )
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
    yield Case(
        "header", "a key twice with one value", header(Pairs((*ordered[:3], ordered[2], *ordered[3:]))), MALFORMED
    )
    yield Case(
        "header",
        "a key twice with two values",
        header(Pairs((*ordered[:2], (ordered[2][0], 1), *ordered[2:]))),
        MALFORMED,
    )
    yield Case("header", "a map of indefinite length", header(Raw(b"\xbf" + encode(base)[1:] + b"\xff")), MALFORMED)
    yield Case(
        "header", "a map one pair short", header(Raw(bytes([encode(base)[0] + 1]) + encode(base)[1:])), MALFORMED
    )
    yield Case("header", "a byte after the map", header(Raw(encode(base) + b"\0")), MALFORMED)
    yield Case(
        "header", "the map's length in two bytes", header(Raw(head(5, len(base), 1) + encode(base)[1:])), MALFORMED
    )
    yield Case("header", "a text of indefinite length", with_title(b"\x7f\x66Vector\xff"), MALFORMED)
    yield Case("header", "a list of indefinite length", with_mood(b"\x9f\x01\xff"), MALFORMED)
    yield Case("header", "bytes of indefinite length", with_mood(b"\x5f\x41\0\xff"), MALFORMED)
    yield Case("header", "a break alone", with_mood(b"\xff"), MALFORMED)
    for major, name in ((0, "an integer"), (1, "a negative integer"), (2, "bytes"), (3, "a text"), (4, "a list")):
        body = {2: b"aaaaa", 3: b"aaaaa", 4: b"\0\0\0\0\0"}.get(major, b"")
        for size in (1, 2, 4, 8):
            yield Case(
                "header",
                f"{name} of length {size} where none is needed",
                with_mood(head(major, 5, size) + body),
                MALFORMED,
            )
    for size, value in ((2, 255), (4, 65_535), (8, (1 << 32) - 1)):
        yield Case("header", f"{value} in {size} bytes", with_mood(head(0, value, size)), MALFORMED)
    for info in (28, 29, 30):
        yield Case("header", f"a reserved length {info}", with_mood(bytes([info])), MALFORMED)
    for major, name in ((2, "bytes"), (3, "a text"), (4, "a list"), (5, "a map")):
        for size in (2, 4, 8):
            yield Case(
                "header",
                f"{name} of huge length in {size} bytes",
                with_mood(head(major, (1 << 8 * size) - 1, size)),
                MALFORMED,
            )
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
        ("a bignum of a bignum", "c2c249010000000000000000"),
        ("a bignum of a list", "c280"),
        ("a bignum without its bytes", "c2"),
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
    for name, four in (
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
        (
            "of another structure",
            [shielded, {}, payload, sign(payload, shielded, MAGIC + CONTENT, context="Signature")],
        ),
        ("of another payload", [shielded, {}, encode(smallest() | {"title": "Vectra"}), signature]),
        (
            "of a shorter payload",
            [
                shielded,
                {},
                encode(changed(fullest(), "album", ...)),
                sign(encode(fullest()), shielded, MAGIC + CONTENT),
            ],
        ),
    ):
        yield Case("header", f"signature: {name}", cose(four), SIGNATURE)
    yield Case(
        "header", "signature: a stranger's header", signed(payload, CONTENT, HEADER_TYPE, STRANGER_KEY), SIGNATURE
    )
    yield Case("header", "signature before fields", header_with_broken_signature(), SIGNATURE)


def header_with_broken_signature() -> bytes:
    """Wrong in its signature and in a field: the signature is what counts."""
    good = header(smallest() | {"title": 7})
    return good[:-1] + bytes([good[-1] ^ 1])
