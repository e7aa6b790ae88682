"""Choice of a song's rendition."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import InputError
from pywallet.sps import Header, Segment
from pywallet.sps.rendition_choice import (
    HEADROOM,
    bitrate_kbps,
    choose,
    offset,
)
from tests.unit.pywallet.sps.conftest import header


def bundle() -> Header:
    """24-bit FLAC, 16-bit FLAC and Opus: 1,600, 800 and 160 kbit/s."""
    first = header().renditions[0]

    def rated(number: int, codec: str, kbps: int) -> object:
        segments = tuple(replace(one, size=kbps * 1000 // 8 * one.samples // first.rate) for one in first.segments)
        return replace(first, id=number, codec=codec, segments=segments)

    made = tuple(
        rated(i, codec, kbps) for i, (codec, kbps) in enumerate((("flac", 1600), ("flac", 800), ("opus", 160)), 1)
    )
    return replace(header(), renditions=made)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("codecs", "kbps", "index"),
    [(("flac", "opus"), None, 0), (("flac", "opus"), 5000, 0), (("flac", "opus"), 1500, 1), (("flac", "opus"), 300, 2),
     (("flac", "opus"), 0, 2), (("flac",), 10, 1), (("opus",), 9000, 2), (None, 1, 0)],
)  # fmt: skip
def test_the_best_decodable_and_fitting_rendition_is_chosen(
    codecs: tuple[str, ...] | None, kbps: int | None, index: int
) -> None:
    """Another rendition than the owner's best would be played."""
    assert choose(bundle(), codecs, kbps) == index


def test_a_browser_without_a_codec_is_refused() -> None:
    """A play would be counted that cannot be decoded."""
    with pytest.raises(InputError) as caught:
        choose(bundle(), ("aac",), None)
    assert caught.value.code == "media.unsupported"


@given(st.integers(0, 4000), st.integers(0, 4000))
def test_a_faster_connection_never_gets_a_worse_rendition(one: int, other: int) -> None:
    """A faster connection would get a worse rendition, or one that does not fit."""
    song = bundle()
    slow, fast = sorted((one, other))
    rates = [bitrate_kbps(song.renditions[choose(song, ("flac", "opus"), kbps)]) for kbps in (slow, fast)]
    assert rates[0] <= rates[1]
    assert rates[1] * HEADROOM <= fast or rates[1] == min(bitrate_kbps(r) for r in song.renditions)


def test_offsets_of_renditions_are_contiguous() -> None:
    """A rendition would be read at another offset."""
    song = bundle()
    ends = [
        offset(song, 100, i) + song.renditions[i].init_size + sum(s.size for s in song.renditions[i].segments)
        for i in range(3)
    ]
    assert offset(song, 100, 0) == 112
    assert ends[:2] == [offset(song, 100, 1), offset(song, 100, 2)]
    assert isinstance(song.renditions[0].segments[0], Segment)
