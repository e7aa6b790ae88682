"""Two readers, one written from the document alone, must agree; and the vectors are what the script writes."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pywallet.errors import GomaaError
from pywallet.sps import Container, open_header, polyglot
from pywallet.sps.live import LiveSegment, open_live
from tests.budget import budget
from tests.vectors.sps import fields, pages, reader, reader_encoding, reader_live, reader_page, reader_policy
from tests.vectors.sps.raw import MAGIC, OWNER, encode, signed
from tests.vectors.sps.song import (
    CONTENT,
    HEADER_TYPE,
    LIVE_TYPE,
    changed,
    file,
    fullest,
    header,
    index,
    rendition,
    smallest,
)

ROOT = Path(__file__).resolve().parents[3]
CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("cases.json").read_text())
SHORT = {"malformed": "sps.header.malformed", "signature": "sps.header.signature"}
LIVE = {"malformed": "sps.live.malformed", "signature": "sps.live.signature"}


def second(case: dict[str, Any], data: bytes) -> str | None:
    """The second reader's code, or None."""
    given = {
        name: base64.b64decode(case[name]) for name in ("content", "signer", "key", "sha256", "clear") if name in case
    }
    try:
        match case["kind"]:
            case "header":
                reader.read_header(data)
            case "file":
                reader.read_file(data)
            case "page":
                assert list(reader_page.find_song(data)) == case["place"]
                reader_page.read_page(data)
            case "policy":
                reader_policy.read_policy(data)
            case "live":
                before = base64.b64decode(case["before"]) if "before" in case else None
                old = before and reader_live.read_live(before, given["content"], given["signer"])
                reader_live.read_live(data, given["content"], given["signer"], old or None)
            case "exploded":
                song = reader.read_exploded(
                    data, {name: base64.b64decode(part) for name, part in case["parts"].items()}
                )
                reader.read_file(song)
            case "text":
                assert reader_page.read_text(data.decode(), case["bits"], case["pairs"]) == base64.b64decode(
                    case["written"]
                )
            case _:
                place = (case["rendition"], case["epoch"], case["index"])
                clear = reader.open_segment(data, given["sha256"], given["key"], given["content"], *place)
                assert clear == given["clear"]
    except reader_encoding.Refused as e:
        return (LIVE if case["kind"] == "live" else SHORT).get(str(e), str(e))
    return None


def first(kind: str, data: bytes) -> str | None:
    """Our reader's code, or None."""
    try:
        if kind == "header":
            open_header(data)
        elif kind == "file":
            container = Container.read(data)
            container.check_size(open_header(container.cose), len(data))
        else:
            open_live(data, CONTENT, OWNER)
    except GomaaError as e:
        return e.code
    return None


@pytest.mark.parametrize("kind", ["header", "file", "page", "live", "segment", "policy", "exploded", "text"])
def test_the_second_reader_gives_the_same_answers(kind: str) -> None:
    """A reader that shares no code with ours gives each vector the same answer."""
    wrong = []
    for case in (case for case in CASES if case["kind"] == kind):
        data = zlib.decompress(base64.b64decode(case["zlib"])) if "zlib" in case else base64.b64decode(case["data"])
        if (found := second(case, data)) != case["code"]:
            wrong.append(f"{case['name']}: {found}, not {case['code']}")
    assert wrong == []


def test_the_vectors_are_what_the_script_writes() -> None:
    """Nobody edited a vector by hand, and the script has nothing random in it."""
    done = subprocess.run(
        (sys.executable, "-m", "tests.vectors.sps.make", "--check"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "nothing changed\n")


PATHS = sorted(fields.HEADER)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 3),
        st.integers(-(1 << 70), 1 << 130),
        st.binary(max_size=34),
        st.text(max_size=8),
        st.sampled_from([value for taken, refused in fields.HEADER.values() for value in (*taken, *refused)]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@budget(4)
@given(path=st.sampled_from(PATHS), value=VALUES)
@example(path="renditions.0.id", value=True)
def test_both_readers_agree_on_any_field(path: str, value: Any) -> None:
    """Whatever stands in a field, under a signature that holds, both readers take it or refuse it with the same
    code.
    """
    data = header(changed(fullest() | {"renditions": [rendition()]}, path, value))
    assert first("header", data) == second({"kind": "header"}, data)


@budget(2)
@given(path=st.sampled_from(sorted(fields.LIVE)), value=VALUES)
def test_both_readers_agree_on_any_field_of_a_live_index(path: str, value: Any) -> None:
    """The same of a live index."""
    base = index() | {"rundown": {"sha256": bytes(32)}, "ended": True, "crit": ["window"]}
    data = signed(encode(changed(base, path, value)), CONTENT, LIVE_TYPE)
    who = {"content": base64.b64encode(CONTENT).decode(), "signer": base64.b64encode(OWNER).decode()}
    assert first("live", data) == second({"kind": "live", **who}, data)


ROWS = st.lists(st.sampled_from([[40, 1, bytes(32), 1], [40, 5, bytes(32), 1], [41, 5, b"\1" * 32, 2]]), max_size=3)
INDEXES = st.fixed_dictionaries(
    {
        "number": st.integers(41, 43),
        "time_ms": st.integers(7, 8),
        "first": st.integers(0, 4),
        "sample": st.integers(0, 22),
        "segments": ROWS,
    },
    optional={"ended": st.just(True), "rate": st.just(48_000)},
)


@budget(3)
@given(before=INDEXES, after=INDEXES)
def test_both_readers_agree_on_what_follows(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Any index after any other: taken by both, or refused by both with the same code."""
    base = index() | {"segment_samples": 5}
    old, new = (signed(encode(base | change), CONTENT, LIVE_TYPE) for change in (before, after))
    try:
        open_live(new, CONTENT, OWNER, open_live(old, CONTENT, OWNER))
        ours = None
    except GomaaError as e:
        ours = e.code
    who = {"content": base64.b64encode(CONTENT).decode(), "signer": base64.b64encode(OWNER).decode()}
    assert second({"kind": "live", **who, "before": base64.b64encode(old).decode()}, new) == ours


@budget(3)
@given(before=INDEXES, rows=ROWS, time=st.integers(0, 1), ends=st.booleans())
def test_what_a_writer_advances_to_follows(
    before: dict[str, Any], rows: list[list[Any]], time: int, ends: bool
) -> None:
    """The index after new segments continues the one before, for both readers; nothing follows an end."""
    base = {name: value for name, value in (index() | {"segment_samples": 5} | before).items() if name != "ended"}
    old = open_live(signed(encode(base), CONTENT, LIVE_TYPE), CONTENT, OWNER)
    new = old.advance(old.time_ms + time, *(LiveSegment(*row) for row in rows), ended=ends)
    assert new.follow(old) is new
    after = base | {"number": new.number, "time_ms": new.time_ms, "first": new.first, "sample": new.sample}
    after["segments"] = [[one.size, one.samples, one.sha256, one.epoch] for one in new.segments]
    assert reader_live.follows(after | ({"ended": True} if ends else {}), base)
    assert not (rows and reader_live.follows(after, base | {"ended": True}))


SMALL, WHOLE = encode(smallest()), file(smallest())


@budget(4)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 2), st.binary(min_size=1, max_size=3)),
        min_size=1,
        max_size=3,
    )
)
def test_both_readers_agree_on_any_payload(edits: list[tuple[int, int, bytes]]) -> None:
    """Bytes overwritten, put in or cut out of the payload, then signed: the same answer from both."""
    payload = SMALL
    for at, cut, new in edits:
        payload = payload[:at] + new + payload[at + cut :]
    data = signed(payload, CONTENT, HEADER_TYPE)
    assert first("header", data) == second({"kind": "header"}, data)


@budget(4)
@given(at=st.integers(0, len(WHOLE) - 1), cut=st.integers(0, 40), new=st.binary(max_size=3))
def test_both_readers_agree_on_any_file(at: int, cut: int, new: bytes) -> None:
    """The same of a whole file, whose signature mostly breaks."""
    data = WHOLE[:at] + new + WHOLE[at + cut :]
    assert first("file", data) == second({"kind": "file"}, data)


@budget(2)
@given(
    song=st.lists(
        st.sampled_from([b"-->", b"--!>", b"-", b">", b"\r", b"\n", b"\r\n", b"\0", b"\x81", b"\xe9"]), min_size=1
    ).map(b"".join)
)
def test_both_readers_take_a_song_from_a_pages_text(song: bytes) -> None:
    """What a browser makes of the comment's text gives both readers the bytes that were written."""
    data = pages.page(song)
    place = polyglot.find_song(data)
    written = data[place.offset : place.offset + place.size]
    bits, pairs = (re.search(rb'data-%s="([^"]*)"' % name, data)[1].decode() for name in (b"bits", b"pairs"))  # type: ignore[index]
    text = polyglot.to_text(written)
    assert reader_page.read_text(text, bits, pairs) == written
    assert polyglot.from_text(text, polyglot.LineEnds(bits, tuple(map(int, pairs.split())))) == written
    assert place.restore(written, 0) == song


def test_the_second_reader_shares_nothing_with_ours() -> None:
    """It names no module of ours, so agreement means something."""
    sources = [path.read_text() for path in Path(reader.__file__).parent.glob("reader*.py")]
    assert len(sources) == 6
    assert not [text for text in sources if "pywallet" in text]
    assert MAGIC == reader_encoding.MAGIC
    assert cbor2.loads(SMALL) == smallest()
