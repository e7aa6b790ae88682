"""The committed vectors (tests/vectors/sps/cases.json), on CPython and Pyodide."""

from __future__ import annotations

import base64
import json
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any

import cbor2
import pytest

from pywallet.encoding import cbor
from pywallet.errors import SENTENCES, GomaaError, InputError
from pywallet.policy import Policy
from pywallet.sps import (
    Container,
    Header,
    open_header,
    open_segment,
    polyglot,
    segment_aad,
    segment_key,
)
from pywallet.sps.live import open_live
from pywallet.sps.signed_header import encode_header

VECTORS = next(p for p in Path(__file__).resolve().parents if (p / "vectors").is_dir()) / "vectors" / "sps"
CASES: list[dict[str, Any]] = json.loads((VECTORS / "cases.json").read_text())


def data_of(case: dict[str, Any]) -> bytes:
    """The bytes of a case."""
    return zlib.decompress(base64.b64decode(case["zlib"])) if "zlib" in case else base64.b64decode(case["data"])


def assert_kept(cose: bytes, header: Header, name: str) -> None:
    """Assert that a parsed header encodes to the signed fields, including unknown ones."""
    again, signed = cbor2.loads(encode_header(header)), cbor2.loads(cbor2.loads(cose).value[2])
    # Within server and renditions unknown fields are not kept.
    if name != "an unknown field in each map":
        says = [{name: value for name, value in table.items() if value not in (None, b"")} for table in (again, signed)]
        assert says[0] == says[1], name


async def read(case: dict[str, Any], data: bytes) -> None:
    """Parse a case by its kind. Raises GomaaError."""
    given = {
        name: base64.b64decode(case[name]) for name in ("content", "signer", "key", "sha256", "clear") if name in case
    }
    if case["kind"] == "header":
        assert_kept(data, open_header(data), case["name"])
    elif case["kind"] == "file":
        container = Container.read(data)
        container.check_size(open_header(container.cose), len(data))
    elif case["kind"] == "page":
        place = polyglot.find_song(data)
        assert [place.offset, place.size, list(place.patches)] == case["place"]
        song = place.restore(data[place.offset : place.offset + place.size], 0)
        container = Container.read(song)
        container.check_size(open_header(container.cose), len(song))
    elif case["kind"] == "policy":
        Policy.from_dict(cbor.loads(data))
    elif case["kind"] == "live":
        who = given["content"], given["signer"]
        open_live(data, *who, open_live(base64.b64decode(case["before"]), *who) if "before" in case else None)
    elif case["kind"] == "text":
        lines = polyglot.LineEnds(case["bits"], tuple(map(int, case["pairs"].split())))
        assert polyglot.from_text(data.decode(), lines) == base64.b64decode(case["written"])
    else:
        if sha256(data).digest() != given["sha256"]:
            raise InputError("sps.segment.hash")
        key = segment_key(given["key"], case["rendition"], case["index"])
        clear = await open_segment(
            key, data, segment_aad(given["content"], case["rendition"], case["epoch"], case["index"])
        )
        assert clear == given["clear"]


async def result(case: dict[str, Any]) -> str | None:
    """The code of the error, or None."""
    try:
        await read(case, data_of(case))
    except GomaaError as e:
        return e.code
    return None


@pytest.mark.parametrize("kind", ["header", "file", "page", "live", "segment", "policy", "text"])
async def test_every_vector_has_its_result(kind: str) -> None:
    """A vector would be accepted or refused otherwise."""
    cases = [case for case in CASES if case["kind"] == kind]
    wrong = [
        f"{case['name']}: {found}, not {case['code']}"
        for case in cases
        if (found := await result(case)) != case["code"]
    ]
    assert cases
    assert wrong == []


def test_the_vectors_name_registered_codes_once() -> None:
    """Two vectors would share a name, or a code be unregistered."""
    assert len({(case["kind"], case["name"]) for case in CASES}) == len(CASES)
    assert {case["code"] for case in CASES} - {None} <= SENTENCES.keys()
