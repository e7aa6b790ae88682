"""Several encodings of one recording in one song."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from pywallet.errors import InputError
from studio import exploded, selfrender
from studio.convert import ConvertResult
from studio.owner import ContentKeys
from studio.reader import SongFile
from studio.renditions import bundle
from studio.verify import verify
from tests.unit.studio.conftest import OWNER_KEY

SECONDS = 7


@pytest.fixture
def song(make: Callable[..., ConvertResult], ffmpeg: Callable[..., Path]) -> ConvertResult:
    """A tone of 24 bits with a click at every second."""
    tone = f"aevalsrc=0.2*sin(2*PI*440*t)+0.5*lt(mod(t\\,1)\\,0.001):s=44100:d={SECONDS}"
    source = ffmpeg("song.wav", "-f", "lavfi", "-i", tone, "-ac", "2", "-c:a", "pcm_s24le")
    return make(source)


def sound(path: Path, keys: ContentKeys, place: int, first: int = 0) -> np.ndarray:
    """A rendition's left channel from a segment on, -1 to 1."""
    with SongFile(path) as opened:
        count = len(opened.header.renditions[place].segments)
        data = opened.init(place) + b"".join(opened.clear(i, keys, place) for i in range(first, count))
    with av.open(io.BytesIO(data), "r") as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
        scale = {"s16": 2**15, "s32": 2**31}.get(container.streams.audio[0].format.name.rstrip("p"), 1)
        planar = container.streams.audio[0].format.is_planar
    joined = np.concatenate(frames, axis=1)
    return (joined[0] if planar else joined[0, ::2]).astype(float) / scale


def test_a_song_in_three_encodings(song: ConvertResult, tmp_path: Path) -> None:
    """All open with the song's keys, the first one's bytes are untouched, and each sounds like the first, in time."""
    keys = ContentKeys.load(song.key_path)
    out = tmp_path / "bundle.sps"
    made = bundle(song.path, out, OWNER_KEY)
    assert [(codec, bits) for codec, bits, _ in made.renditions] == [("flac", 24), ("flac", 16), ("opus", 0)]
    checks = [check.name for check in verify(out, keys)]
    assert checks.count("sound") == 3
    with SongFile(out) as opened, SongFile(song.path) as before:
        first = opened.header.renditions[0]
        assert first == before.header.renditions[0]
        assert opened.segment(1) == before.segment(1)
        assert {len(track.segments) for track in opened.header.renditions} == {len(first.segments)}
        assert opened.header.content == before.header.content
    full, brief = sound(out, keys, 0), sound(out, keys, 1)
    assert len(full) == len(brief) == SECONDS * 44_100
    assert np.abs(full - brief).max() <= 2 / 2**15
    opus = sound(out, keys, 2)
    clicks = [
        int(np.argmax(np.abs(opus[int((n - 0.2) * 48_000) : int((n + 0.2) * 48_000)]))) + int((n - 0.2) * 48_000)
        for n in (1, 3, 5)
    ]
    # Within a millisecond: the decoder dropped the delay.
    assert all(abs(at - n * 48_000) < 96 for at, n in zip(clicks, (1, 3, 5), strict=True))


def test_opus_is_thin(song: ConvertResult, tmp_path: Path) -> None:
    """At most 200 kbit/s with the seals, even for clicks (its rate varies); two runs give the same bytes."""
    made = bundle(song.path, tmp_path / "a.sps", OWNER_KEY, kinds=["opus"])
    bundle(song.path, tmp_path / "b.sps", OWNER_KEY, kinds=["opus"])
    assert made.renditions[-1][2] * 8 / SECONDS < 200_000
    assert (tmp_path / "a.sps").read_bytes() == (tmp_path / "b.sps").read_bytes()


def test_from_the_segment_before_on_opus_is_right(song: ConvertResult, tmp_path: Path) -> None:
    """A seek needs the segment before: 80 ms after a cold start the decoder has caught up with the whole one."""
    out = tmp_path / "bundle.sps"
    bundle(song.path, out, OWNER_KEY, kinds=["opus"])
    keys = ContentKeys.load(song.key_path)
    whole, cold = sound(out, keys, 1), sound(out, keys, 1, first=1)
    both = min(len(whole) - 96_000, len(cold))
    # The decoder drops the delay at each start, so that both have the same time.
    tail = slice(4_000, both - 400)
    assert np.abs(whole[96_000 : 96_000 + both][tail] - cold[:both][tail]).max() < 1e-3


def test_a_bundle_goes_into_every_packaging(song: ConvertResult, tmp_path: Path) -> None:
    """Page and parts carry all renditions."""
    out = tmp_path / "bundle.sps"
    bundle(song.path, out, OWNER_KEY)
    selfrender.write(out, tmp_path / "bundle.sps.html")
    assert [check.name for check in verify(tmp_path / "bundle.sps.html")].count("segments") == 3
    exploded.write(out, tmp_path / "parts")
    exploded.assemble(tmp_path / "parts", tmp_path / "again.sps")
    assert (tmp_path / "again.sps").read_bytes() == out.read_bytes()


def test_only_the_owner_adds_known_encodings(song: ConvertResult, tmp_path: Path) -> None:
    """Another key could not sign for the content; nothing is written."""
    out = tmp_path / "bundle.sps"
    with pytest.raises(InputError) as caught:
        bundle(song.path, out, bytes([9]) * 32)
    assert caught.value.code == "content.owner"
    with pytest.raises(InputError) as caught:
        bundle(song.path, out, OWNER_KEY, kinds=["mp3"])
    assert caught.value.code == "message.schema"
    assert not out.exists()
