"""Published data of an epoch: canonical bytes, parsed strictly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.crypto import keccak256
from pywallet.errors import InputError
from pywallet.settlement import (
    ContentRow,
    DebitRow,
    EpochData,
    OwnerRow,
    PayeeRow,
    PlayRow,
    SegmentRow,
    StationRow,
    TermsRow,
    UsageRow,
)

HEAD = 4 + 1 + 20 + 8 + 32 + 16 + 32 + 2
PLAY = PlayRow(0, 0, 0, 59, 70_000, 2, 0, 7, b"\7" * 7)
DATA = EpochData(
    server=b"\1" * 20,
    epoch=29_000_000,
    root=b"\2" * 32,
    total=10**18,
    counts_root=b"\3" * 32,
    bps=500,
    stations=(StationRow(b"\4" * 20),),
    contents=(ContentRow(b"\5" * 20, b"\6" * 20, b"\1" * 20, 1, 0, 2, 30),),
    terms=(TermsRow(10**16, 2 * 10**15, 5),),
    debits=(DebitRow(b"\4" * 20, 72 * 10**15),),
    payees=(PayeeRow(b"\6" * 20, 60 * 10**15), PayeeRow(b"\x08" * 20, 12 * 10**15)),
    owners=(OwnerRow(0, 60 * 10**15),),
    plays=(PLAY,),
    usages=(UsageRow(b"\x0a" * 32),),
    segments=(SegmentRow(0, 11, 20),),
)


def rows(kind: Any, size: int = 3) -> st.SearchStrategy[Any]:
    """Tuples of rows with any values."""
    parts = [
        st.binary(min_size=n, max_size=n) if what == "b" else st.integers(0, (1 << 8 * n) - 1)
        for what, n in kind.LAYOUT
    ]
    return st.lists(st.builds(kind, *parts), max_size=size).map(tuple)


def test_sizes_of_rows() -> None:
    """A row would have another size than specified."""
    assert len(PLAY.encode()) == PlayRow.size() == 32
    assert PayeeRow.size() == 32
    assert OwnerRow.size() == 16


def test_layout_by_hand() -> None:
    """Head, counts or rows would be at other offsets."""
    raw = DATA.encode()
    assert raw[:5] == b"GMED\x04"
    assert raw[5:25] == DATA.server
    assert raw[25:33] == DATA.epoch.to_bytes(8, "big")
    assert raw[HEAD - 2 : HEAD + 4] == b"\x01\xf4\0\0\0\x01"
    assert raw.endswith(
        b"\0\0\0\x01"
        + b"\0\0\0\0"
        + (60 * 10**15).to_bytes(12, "big")
        + b"\0\0\0\x01"
        + bytes(12)
        + b"\0\0\x3b\0\x01\x11\x70\x02\0\0\0\0\x07"
        + b"\7" * 7
        + b"\0\0\0\1"
        + b"\x0a" * 32
        + b"\0\0\0\1"
        + b"\0\0\0\0\0\x0b\0\0\0\x14"
    )
    assert DATA.hash == keccak256(raw)


@given(
    rows(StationRow), rows(ContentRow), rows(TermsRow), rows(DebitRow), rows(PayeeRow), st.integers(0, (1 << 128) - 1)
)
def test_decoding_inverts_encoding(
    stations: Any, contents: Any, terms: Any, debits: Any, payees: Any, total: int
) -> None:
    """A table would change by encoding and decoding."""
    rest = replace(DATA, owners=(), plays=(), segments=())
    data = replace(rest, stations=stations, contents=contents, terms=terms, debits=debits, payees=payees, total=total)
    assert EpochData.decode(data.encode()) == data


def test_plays_are_decoded() -> None:
    """A row of a play would change."""
    assert EpochData.decode(DATA.encode()) == DATA


def test_every_truncation_is_refused() -> None:
    """Truncated data would be accepted."""
    raw = DATA.encode()
    for end in range(len(raw)):
        with pytest.raises(InputError):
            EpochData.decode(raw[:end])


@given(st.data())
def test_encoding_is_canonical(data: Any) -> None:
    """Two encodings would have one meaning."""
    raw = bytearray(DATA.encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = EpochData.decode(bytes(raw))
    except InputError as e:
        assert e.code == "message.schema"
    else:
        assert read.encode() == bytes(raw)
        assert read != DATA


@pytest.mark.parametrize(
    "change", [lambda raw: raw + b"\0", lambda raw: b"GMEE" + raw[4:], lambda raw: raw[:4] + b"\x03" + raw[5:]]
)
def test_other_bytes_are_refused(change: Any) -> None:
    """Trailing bytes, another magic or version would be accepted."""
    with pytest.raises(InputError) as caught:
        EpochData.decode(change(DATA.encode()))
    assert caught.value.code == "message.schema"


def test_a_huge_count_is_refused_at_once() -> None:
    """A claimed row count would exhaust the memory."""
    raw = bytearray(DATA.encode())
    raw[HEAD : HEAD + 4] = b"\xff" * 4
    with pytest.raises(InputError):
        EpochData.decode(bytes(raw))


@pytest.mark.parametrize(
    "change",
    [
        {"server": b"\1" * 19},
        {"root": b"\1" * 33},
        {"counts_root": "00" * 32},
        {"total": -1},
        {"total": 1 << 128},
        {"epoch": 1 << 64},
        {"bps": 1 << 16},
        {"bps": True},
        {"payees": ()},
        {"stations": ()},
        {"contents": ()},
        {"terms": ()},
    ],
)
def test_inconsistent_data_are_refused(change: Any) -> None:
    """Data with wrong sizes or missing rows would be encoded."""
    with pytest.raises(InputError) as caught:
        replace(DATA, **change)
    assert caught.value.code == "message.schema"


@pytest.mark.parametrize(
    "row",
    [replace(PLAY, tag=b"\7" * 8), replace(PLAY, second=1 << 24), replace(PLAY, seeks=-1), replace(PLAY, outcome=1.0)],
)
def test_rows_that_do_not_fit_are_refused(row: Any) -> None:
    """A value outside its field would be encoded."""
    with pytest.raises(InputError):
        row.encode()
