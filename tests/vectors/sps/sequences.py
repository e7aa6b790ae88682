"""Vectors of live indexes that follow one another, of exploded songs, and of the text that a browser makes of a
song.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

from tests.vectors.sps import pages
from tests.vectors.sps.case import MALFORMED, SIGNATURE, Case
from tests.vectors.sps.raw import MAGIC, OWNER, encode, items, signed
from tests.vectors.sps.song import CLEAR, CONTENT, INIT, LIVE_TYPE, changed, header, index, rendition, seal, smallest

ORDER: Final = "sps.live.order"
HASH: Final = "sps.segment.hash"
MISSING: Final = "sps.segment.missing"
_WHO: Final = {"content": CONTENT, "signer": OWNER}


def _signed(value: Any) -> bytes:
    return signed(encode(value), CONTENT, LIVE_TYPE)


def live_order() -> Iterator[Case]:
    """An index held against the one read before."""
    base = index()
    rows = base["segments"]
    end = base["sample"] + sum(row[1] for row in rows)
    row = rows[0]
    ended = base | {"ended": True}
    later = {"number": 43, "time_ms": base["time_ms"] + 2_000}
    slid = base | later | {"first": 41, "sample": base["sample"] + rows[0][1], "segments": [*rows[1:], row]}

    def case(name: str, after: dict[str, Any], code: str | None = ORDER, before: dict[str, Any] = base) -> Case:
        return Case("live", f"order: {name}", _signed(after), code, _WHO | {"before": _signed(before)})

    yield case("the same index again", base, None)
    yield case("the next segment", slid, None)
    yield case("a higher number, nothing new", base | later, None)
    yield case("a window that is fuller", base | later | {"segments": rows}, None, base | {"segments": rows[:1]})
    yield case("the same time", slid | {"time_ms": base["time_ms"]}, None)
    yield case("a lower number", slid | {"number": 41})
    yield case("an earlier time", slid | {"time_ms": base["time_ms"] - 1})
    yield case(
        "an earlier first row",
        base | later | {"first": 39, "sample": base["sample"] - 88_200, "segments": [row, *rows[:2]]},
    )
    yield case("an earlier end", base | later | {"segments": rows[:2]})
    yield case("the same number with a segment more", base | {"segments": rows}, ORDER, base | {"segments": rows[:2]})
    yield case("the same number and an end", ended)
    yield case("the same number and another rundown", base | {"rundown": {"sha256": bytes(32)}}, None)
    for name, value in (
        ("rendition", 2),
        ("codec", "opus"),
        ("mime", "audio/ogg"),
        ("rate", 48_000),
        ("channels", 1),
        ("bits", 24),
        ("segment_samples", 88_201),
        ("init", [5, base["init"][1]]),
    ):
        yield case(f"another {name}", slid | {name: value})
    yield case("another hash of the init part", changed(slid, "init.1", bytes(32)))
    yield case("another window", slid | {"window": 4}, None)
    for field, value in ((0, 100), (1, 7), (2, bytes(32)), (3, 9)):
        yield case(f"field {field} of a segment that both list", changed(slid, f"segments.0.{field}", value))
    for shift in (-1, 1):
        yield case(f"a place in time that is {shift} off", slid | {"sample": slid["sample"] + shift})
        yield case(
            f"a window right behind, {shift} off",
            base | later | {"first": 43, "sample": end + shift, "segments": [row]},
        )
    yield case("a window right behind", base | later | {"first": 43, "sample": end, "segments": [row]}, None)
    yield case("an empty window right behind", base | later | {"first": 43, "sample": end, "segments": []}, None)
    for name, missed, code in (
        ("as few samples as three segments have", 3, None),
        ("fewer samples than three segments have", 2, ORDER),
        ("as many samples as three segments have", 3 * 88_200, None),
        ("more samples than three segments have", 3 * 88_200 + 1, ORDER),
    ):
        yield case(
            f"three missed, {name}", base | later | {"first": 46, "sample": end + missed, "segments": [row]}, code
        )
    empty = base | {"segments": []}
    yield case("the first segment of all", base | later, None, empty)
    yield case("an empty window that moved", empty | later | {"sample": base["sample"] + 1}, ORDER, empty)
    yield case("the end", ended | later, None)
    yield case("the end with a last segment", slid | {"ended": True}, None)
    yield case("the end again", ended | later, None, ended)
    yield case("a segment after the end", slid | {"ended": True}, ORDER, ended)
    yield case("a segment after the end, which is gone", slid, ORDER, ended)
    yield case("an end that is taken back", base | later, ORDER, ended)
    yield case("a window that shrinks after the end", slid | {"ended": True, "segments": rows[1:]}, ORDER, ended)
    yield case("malformed before order", slid | {"number": -1}, "sps.live.malformed")


def live_size() -> Iterator[Case]:
    """The most items an index may have: a big integer is two."""
    base = index()
    for name, item in (("zeros", 0), ("big integers", 1 << 64)):
        for more, code in ((0, None), (1, "sps.live.malformed")):
            lists: list[list[int]] = [[] for _ in range(6)]
            value = base | {"mood": lists}
            for _ in range((55_000 + more - items(value)) // items(item)):
                next(one for one in lists if len(one) < 10_000).append(item)
            lists[-1] += [0] * (55_000 + more - items(value))
            assert items(value) == 55_000 + more
            yield Case("live", f"{55_000 + more} items, {name}", _signed(value), code, _WHO)


def sizes() -> Iterator[Case]:
    """The longest list and the most items of a header, the longest list of a live index."""
    for more, code in ((0, None), (1, MALFORMED)):
        yield Case(
            "header", f"a list of {100_000 + more} entries", header(smallest() | {"mood": [0] * (100_000 + more)}), code
        )
        lists = [[0] * 90_000 for _ in range(4)]
        value = smallest() | {"mood": [*lists, []]}
        value["mood"][-1] += [0] * (400_000 + more - items(value))
        yield Case("header", f"{400_000 + more} items", header(value), code)
    for more, code in ((0, None), (1, "sps.live.malformed")):
        yield Case(
            "live", f"a list of {10_000 + more} entries", _signed(index() | {"mood": [0] * (10_000 + more)}), code, _WHO
        )


def exploded() -> Iterator[Case]:
    """Folders: ``data`` is ``header.sps``, ``parts`` the other files."""
    cose = header(smallest())
    start = MAGIC + len(cose).to_bytes(4, "big") + cose
    whole = [INIT, *(seal(number) for number in range(len(CLEAR)))]
    parts = {_name(part): part for part in whole}

    def case(name: str, code: str | None = None, files: dict[str, bytes] = parts, data: bytes = start) -> Case:
        return Case("exploded", name, data, code, {"parts": files})

    yield case("a folder")
    yield case(
        "a folder with other files", None, parts | {"readme.txt": b"mine", _name(b"another song's"): b"another song's"}
    )
    yield case("a file that is named by another hash, of no part", None, parts | {_name(b"x"): b"y"})
    for number, part in enumerate(whole):
        less = {name: data for name, data in parts.items() if data != part}
        yield case(f"part {number} is missing", MISSING, less)
        yield case(f"part {number} is empty", HASH, parts | {_name(part): b""})
        yield case(f"part {number} is one byte short", HASH, parts | {_name(part): part[:-1]})
        yield case(f"part {number} is one byte long", HASH, parts | {_name(part): part + b"\0"})
        yield case(f"part {number} is another", HASH, parts | {_name(part): whole[number - 1]})
        yield case(f"part {number} has a name in capitals", MISSING, less | {_name(part).upper(): part})
        yield case(f"part {number} has no ending", MISSING, less | {_name(part).removesuffix(".part"): part})
        yield case(f"part {number} is named by another hash", MISSING, less | {_name(part + b"\0"): part})
    yield case("no part at all", MISSING, {})
    two = smallest() | {"renditions": [rendition(), rendition(2) | {"init": rendition()["init"]}]}
    both = header(two)
    equal = parts | {_name(seal(number, 2)): seal(number, 2) for number in range(len(CLEAR))}
    yield case("two renditions that share their init part", None, equal, MAGIC + len(both).to_bytes(4, "big") + both)
    yield case("a byte after the header", MALFORMED, parts, start + b"\0")
    yield case("the whole song in the header's file", MALFORMED, parts, start + b"".join(whole))
    yield case("a header that is cut", "sps.truncated", parts, start[:-1])
    yield case("no header", "sps.truncated", parts, b"")
    yield case("another magic", "sps.magic", parts, b"\x88" + start[1:])
    spoilt = start[:-1] + bytes([start[-1] ^ 1])
    yield case("a signature that does not hold", SIGNATURE, parts, spoilt)
    yield case("a signature that does not hold, and a byte after it", SIGNATURE, parts, spoilt + b"\0")
    yield case("a signature that does not hold, and no parts", SIGNATURE, {}, spoilt)
    yield case("a byte after the header, and no parts", MALFORMED, {}, start + b"\0")


def _name(part: bytes) -> str:
    return sha256(part).hexdigest() + ".part"


def texts() -> Iterator[Case]:
    """A comment's text (``data``, UTF-8) with the two attributes of ``sps-lines``.

    ``written``: the bytes of the page.
    """
    every = bytes(range(256))
    for name, written in (
        ("every byte", every),
        ("every byte backwards", every[::-1]),
        ("the five gaps", b"\x81\x8d\x8f\x90\x9d"),
        ("line ends", b"\r\n\r\n\n\r\r\r\n\n\n\r"),
        ("nine line ends", b"a\rb\nc\r\nd\re\nf\r\ng\rh\ni\r\n"),
        ("no line end", b"abc"),
        ("a NUL before a line end", b"\0\r\0\n\0\r\n\0"),
        ("nothing", b""),
        ("sixty-four thousand line ends", b"\r\n\r\r\n\n\xe9\0" * 16_000),
    ):
        bits, pairs = pages.line_ends(written)
        yield Case("text", name, pages.text(written).encode(), None, {"bits": bits, "pairs": pairs, "written": written})
    nine = b"\n" * 9
    bits, pairs = pages.line_ends(nine)
    short = base64.b64encode(base64.b64decode(bits)[:1]).decode()
    yield Case("text", "more bits than lines", b"\n", None, {"bits": "AAA=", "pairs": "", "written": b"\n"})
    yield Case("text", "a number of no line", b"\n", None, {"bits": "AA==", "pairs": "7", "written": b"\n"})
    yield Case("text", "a pair whose bit is set", b"\n", None, {"bits": "gA==", "pairs": "0", "written": b"\r\n"})
    yield Case("text", "more lines than bits", nine, HASH, {"bits": short, "pairs": pairs})
    yield Case(
        "text", "more lines than bits, all of them pairs", nine, HASH, {"bits": "", "pairs": "0 1 2 3 4 5 6 7 8"}
    )
    for name, text in (
        ("a letter beyond windows-1252", "a\u0101"),
        ("a control character", "\x80"),
        ("a picture", "\U0001f3a7"),
    ):
        yield Case("text", name, text.encode(), HASH, {"bits": "", "pairs": ""})
