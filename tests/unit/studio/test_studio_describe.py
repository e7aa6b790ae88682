"""What a song's header says of it: names, cover, loudness."""

from __future__ import annotations

import sys
import wave
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pywallet.errors import GomaaError
from pywallet.sps.header import Artwork
from studio import artwork, tags
from studio.convert import ConvertResult
from studio.reader import SongFile

Make = Callable[..., ConvertResult]
Ffmpeg = Callable[..., Path]


def header(result: ConvertResult) -> Any:
    """The signed header of a song."""
    with SongFile(result.path) as song:
        return song.header


def sine(tmp_path: Path, dbfs: float, seconds: float, rate: int = 48_000, hz: float = 997) -> Path:
    """A stereo sine of a peak level, as 24-bit WAV."""
    t = np.arange(round(seconds * rate)) / rate
    values = np.rint(np.sin(2 * np.pi * hz * t) * 10 ** (dbfs / 20) * (2**23 - 1)).astype("<i4")
    both = np.repeat(values[:, None], 2, 1).reshape(-1).view(np.uint8).reshape(-1, 4)[:, :3]
    path = tmp_path / "sine.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(3)
        file.setframerate(rate)
        file.writeframes(both.tobytes())
    return path


@pytest.fixture
def cover(ffmpeg: Ffmpeg) -> Path:
    """A small picture."""
    return ffmpeg("cover.png", "-f", "lavfi", "-i", "color=red:s=32x32", "-frames:v", "1")


@pytest.mark.parametrize("name", ["song.flac", "song.mp3", "song.m4a"])
def test_tags_and_cover_are_kept(make: Make, ffmpeg: Ffmpeg, cover: Path, name: str) -> None:
    """Title, artist and album stand in the header; the cover's hash does too, and its bytes beside the song."""
    said = {"title": "Slow Tide", "artist": "Lamplight", "album": "Harbour", "genre": "Folk"}
    meta = [part for key, value in said.items() for part in ("-metadata", f"{key}={value}")]
    pictured = ("-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic")
    source = ffmpeg(name, "-f", "lavfi", "-i", "sine=440:d=2", "-i", str(cover), *pictured, *meta)
    result = make(source)
    found = header(result)
    assert {key: getattr(found, key) for key in said} == said
    picture = cover.read_bytes()
    assert found.artwork == Artwork(sha256(picture).digest(), "image/png", len(picture))
    assert result.artwork is not None
    assert result.artwork.read_bytes() == picture


def test_the_tags_isrc_is_plain_or_nothing(make: Make, ffmpeg: Ffmpeg) -> None:
    """An ISRC loses its hyphens; a malformed one is left out rather than refused."""
    arguments = ("-f", "lavfi", "-i", "sine=440:d=1", "-metadata")
    assert header(make(ffmpeg("a.flac", *arguments, "ISRC=gb-abc-12-34567"))).isrc == "GBABC1234567"
    assert header(make(ffmpeg("b.flac", *arguments, "ISRC=none"), replace=True)).isrc is None


@pytest.mark.parametrize("text", ["", "GBABC123456", "GBABC12345678", "1BABC1234567", "GBABC12X4567"])
def test_a_malformed_isrc_option_is_refused(text: str) -> None:
    """What a person gives must be an ISRC."""
    with pytest.raises(GomaaError, match=r"message\.schema"):
        tags.isrc(text)


@pytest.mark.parametrize("data", [b"", b"hello", b"<svg/>", b"\xff\xd8\xff" + bytes(artwork.MAX_COVER)])
def test_what_is_no_picture_is_left_out(data: bytes) -> None:
    """Text, SVG (which may hold scripts) and pictures over 8 MiB are no covers."""
    assert artwork.picture_of(data) is None


@pytest.mark.parametrize(("dbfs", "expected"), [(-23.0, -23.0), (-33.0, -33.0)])
def test_loudness_of_the_ebus_own_signals(make: Make, tmp_path: Path, dbfs: float, expected: float) -> None:
    """EBU Tech 3341 test signals 1 and 2: a stereo sine of -23 dBFS peak is -23.0 LUFS within 0.1."""
    found = header(make(sine(tmp_path, dbfs, 20)))
    assert found.loudness == pytest.approx(expected * 100, abs=10)
    assert found.loudness_range == pytest.approx(0, abs=10)
    assert 10 ** (found.true_peak / 2000) == pytest.approx(10 ** (dbfs / 20), abs=0.001)


def test_true_peak_lies_between_the_samples(make: Make, tmp_path: Path) -> None:
    """EBU Tech 3341 test signal 15: a sine at a quarter of the rate peaks above its samples by up to 3 dB."""
    t = np.arange(48_000 * 2)
    values = np.rint(np.sin(np.pi / 2 * t + np.pi / 4) * 16_000 * np.minimum(1, t / 24_000)).astype("<i2")
    path = tmp_path / "between.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(values.tobytes())
    sample_peak = 20 * np.log10(np.abs(values).max() / 32768)
    result = make(path)
    assert result.true_peak is not None
    assert result.true_peak - sample_peak == pytest.approx(3.01, abs=0.3)


def test_silence_has_no_loudness(make: Make, wav: Callable[..., Path]) -> None:
    """Silence is converted, and the header says no number for what has none."""
    found = header(make(wav(np.zeros((88_200, 2), "<i2"))))
    assert (found.loudness, found.loudness_range, found.true_peak) == (None, None, None)


class Hearing:
    """A stand-in for the features package."""

    @staticmethod
    def for_header(source: Path) -> dict[str, Any]:
        """What it would say."""
        assert source.exists()
        return {"features": b"\1\2\3", "genre": "Folk", "genre_confidence": 61}


def test_a_guessed_genre_says_how_sure_it_is(
    make: Make, wav: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the features package the header has the sound's numbers and a guess.

    What a person says wins, and is no guess.
    """
    monkeypatch.setitem(sys.modules, "features", Hearing)
    source = wav(np.ones((44_100, 2), "<i2"))
    found = header(make(source, measure=True))
    assert (found.features, found.genre, found.genre_confidence) == (b"\1\2\3", "Folk", 61)
    found = header(make(source, measure=True, genre="Jazz", replace=True))
    assert (found.features, found.genre, found.genre_confidence) == (b"\1\2\3", "Jazz", None)


def test_without_the_features_package_nothing_is_guessed(
    make: Make, wav: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the package is missing the song is made without."""
    monkeypatch.setitem(sys.modules, "features", None)
    found = header(make(wav(np.ones((44_100, 2), "<i2")), measure=True))
    assert (found.features, found.genre) == (b"", None)
