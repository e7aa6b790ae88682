"""Recordings of which a part is lost: refused where sound is missing, converted with a warning where only an end is."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from pywallet.errors import GomaaError
from studio.audio import Recording
from studio.convert import ConvertResult

Ffmpeg = Callable[..., Path]
NOISE = ("-f", "lavfi", "-i", "anoisesrc=r=44100:d=6:seed=1:a=0.3")
KINDS = {
    "counted.mp3": (),
    "uncounted.mp3": ("-write_xing", "0"),
    "vbr.mp3": ("-q:a", "2", "-write_xing", "0"),
    "t.ogg": ("-c:a", "libvorbis"),
    "t.opus": ("-c:a", "libopus"),
    "t.oga": ("-c:a", "flac"),
    "t.flac": (),
    "t.aac": ("-c:a", "aac"),
    "t.m4a": ("-c:a", "aac"),
    "alac.m4a": ("-c:a", "alac"),
    "t.wv": (),
    "t.tta": (),
    "t.mka": ("-c:a", "libvorbis"),
    "t.webm": ("-c:a", "libopus"),
    "t.wma": (),
}


def read(path: Path) -> tuple[int, list[str]]:
    """The samples of a recording and what was said of it."""
    with Recording(path) as recording:
        samples = sum(frame.samples for frame in recording.frames())
        return samples, recording.notes


def spoil(data: bytes, how: str) -> bytes:
    """The middle tenth overwritten or cut out."""
    begin, width = len(data) // 2, max(600, len(data) // 10)
    filler = {"noise": random.Random(3).randbytes(width), "zeros": bytes(width), "gone": b""}[how]
    return data[:begin] + filler + data[begin + width :]


@pytest.mark.parametrize("how", ["noise", "zeros", "gone"])
@pytest.mark.parametrize("name", KINDS)
def test_a_lost_middle_is_refused(ffmpeg: Ffmpeg, name: str, how: str) -> None:
    """The gap is never closed without a word, whatever the format says of its length."""
    source = ffmpeg(name, *NOISE, *KINDS[name])
    assert read(source)[0] == pytest.approx(6 * 44_100, rel=0.1)
    source.write_bytes(spoil(source.read_bytes(), how))
    with pytest.raises(GomaaError) as caught:
        read(source)
    assert caught.value.code == "media.decode"


@pytest.mark.parametrize("name", ["counted.mp3", "t.mka", "t.webm", "t.wma", "t.w64", "t.caf", "t.au"])
def test_what_is_counted_and_ends_early_is_refused(ffmpeg: Ffmpeg, name: str) -> None:
    """A frame count, a duration or a declared size is held against what is there."""
    source = ffmpeg(name, *NOISE, *KINDS.get(name, ()))
    data = source.read_bytes()
    source.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(GomaaError, match="ends early"):
        read(source)


@pytest.mark.parametrize("name", ["t.ogg", "t.opus"])
@pytest.mark.parametrize("spoilt", [False, True])
def test_an_ogg_without_its_last_page_is_said_to_be_so(ffmpeg: Ffmpeg, name: str, spoilt: bool) -> None:
    """Only the last page says that it is the last; where it is missing or broken, the song may be too."""
    source = ffmpeg(name, *NOISE, *KINDS[name])
    data = source.read_bytes()
    source.write_bytes(data[:-2000] + (bytes(2000) if spoilt else b""))
    samples, notes = read(source)
    assert 2 * 44_100 < samples < 6 * 48_000
    assert "end may be missing" in notes[0]


def test_junk_at_the_end_is_passed_over_and_told(ffmpeg: Ffmpeg) -> None:
    """What follows the last frame of an MP3 is left out, with its size."""
    source = ffmpeg("uncounted.mp3", *NOISE, "-write_xing", "0")
    whole, notes = read(source)
    assert notes == []
    source.write_bytes(source.read_bytes() + random.Random(5).randbytes(2000))
    samples, notes = read(source)
    assert samples == whole
    assert "after the last sound" in notes[0]


def test_two_mp3_files_in_one_lose_nothing(ffmpeg: Ffmpeg) -> None:
    """The second one's ID3 tag lies in the middle and is no damage; the first one's count is no end."""
    source = ffmpeg("a.mp3", *NOISE)
    source.write_bytes(source.read_bytes() * 2)
    assert read(source)[0] == pytest.approx(12 * 44_100, abs=3000)


def test_a_lossless_file_with_a_tag_behind_it_is_whole(ffmpeg: Ffmpeg) -> None:
    """An ID3v1 tag after a FLAC, an APE tag after a WavPack file: every sample is there."""
    for name, tag in (("t.flac", b"TAG" + bytes(125)), ("t.wv", b"APETAGEX" + bytes(24))):
        source = ffmpeg(name, *NOISE)
        source.write_bytes(source.read_bytes() + tag)
        assert read(source)[0] == 6 * 44_100


def test_warnings_come_with_the_song(make: Callable[..., ConvertResult], ffmpeg: Ffmpeg) -> None:
    """What was passed over stands in the conversion's result."""
    source = ffmpeg("t.ogg", *NOISE, "-c:a", "libvorbis")
    source.write_bytes(source.read_bytes()[:-2000])
    assert any("end may be missing" in text for text in make(source).warnings)
