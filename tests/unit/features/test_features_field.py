"""The ``features`` field of a header."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet import crypto
from pywallet.errors import InputError
from pywallet.sps import Header, Rendition, Segment, ServerRef, likeness, open_header, sign_header
from pywallet.sps.likeness import COLUMNS, pack, unpack
from pywallet.sps.payload import from_map, to_map

KEY = bytes(31) + b"\x01"


def _header(**changes: Any) -> Header:
    rendition = Rendition(
        1,
        "flac",
        'audio/mp4; codecs="flac"',
        48_000,
        2,
        16,
        96_000,
        96_000,
        4,
        bytes(32),
        (Segment(100, 96_000, bytes(32)),),
    )
    server = ServerRef("http://127.0.0.1:9", bytes(20), bytes(32))
    return Header(31_337, bytes(20), crypto.address_of(KEY), "T", "A", {}, (rendition,), server, **changes)


@given(st.lists(st.floats(0, 1), min_size=len(COLUMNS), max_size=len(COLUMNS)))
def test_packing_keeps_values(shares: list[float]) -> None:
    """Every value within its scale comes back within half a step; the field is at most 64 bytes."""
    values = {
        column.name: column.low + share * (column.high - column.low)
        for column, share in zip(COLUMNS, shares, strict=True)
    }
    field = pack(values)
    assert len(field) == 1 + len(COLUMNS) <= likeness.MAX_LENGTH
    back = unpack(field)
    assert back is not None
    assert all(abs(back[c.name] - values[c.name]) <= (c.high - c.low) / 510 + 1e-9 for c in COLUMNS)
    assert pack(back) == field


@given(st.dictionaries(st.sampled_from([column.name for column in COLUMNS]), st.floats()))
def test_packing_takes_anything(values: dict[str, float]) -> None:
    """Missing values, infinities and NaN make a field all the same; out of scale is the scale's end."""
    back = unpack(pack(values))
    assert back is not None
    for column in COLUMNS:
        value = values.get(column.name, math.nan)
        if not math.isfinite(value) or value <= column.low:
            assert back[column.name] == column.low
        elif value >= column.high:
            assert back[column.name] == pytest.approx(column.high)


@given(st.binary(max_size=100))
def test_unpacking_never_raises(field: bytes) -> None:
    """Other layouts and lengths are None; the known one is a value per column within its scale."""
    back = unpack(field)
    if len(field) == 1 + len(COLUMNS) and field[0] == likeness.VERSION:
        assert back is not None
        assert all(column.low <= back[column.name] <= column.high + 1e-9 for column in COLUMNS)
    else:
        assert back is None


def test_a_header_carries_it() -> None:
    """A signed header gives the field back; without one it is empty and not in the map."""
    field = pack({"energy": 50})
    assert open_header(sign_header(_header(features=field), KEY)).features == field
    without = open_header(sign_header(_header(), KEY))
    assert without.features == b""
    assert "features" not in to_map(without)


@pytest.mark.parametrize("value", [b"", bytes(65), "text", None, 7, [1, 2]])
def test_a_strange_field_is_refused(value: Any) -> None:
    """Empty, too long and not bytes are sps.header.malformed naming the field."""
    table = {**to_map(_header()), "features": value}
    with pytest.raises(InputError) as refused:
        from_map(table)
    assert refused.value.code == "sps.header.malformed"
    assert refused.value.detail["field"] == "features"


def test_another_layout_is_kept() -> None:
    """A field of a later layout passes through and is not understood."""
    later = b"\x02" + bytes(20)
    assert open_header(sign_header(_header(features=later), KEY)).features == later
    assert unpack(later) is None
