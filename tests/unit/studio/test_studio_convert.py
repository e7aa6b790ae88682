"""Conversion keeps every sample, cuts exactly, and refuses what is no music."""

from __future__ import annotations

import io
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from chain.contracts.registry import predict_content
from pywallet.crypto import address_of
from pywallet.errors import GomaaError
from studio.audio import Recording
from studio.convert import ConvertResult
from studio.owner import ContentKeys
from studio.package import Packager
from studio.reader import SongFile

Make = Callable[..., ConvertResult]
Wav = Callable[..., Path]
Ffmpeg = Callable[..., Path]


def tone(seconds: float, rate: int = 44_100, channels: int = 2) -> np.ndarray[Any, Any]:
    """A deterministic noisy chord, int16, of shape (samples, channels)."""
    noise = np.random.default_rng(7)
    t = np.arange(round(seconds * rate)) / rate
    parts = [np.sin(2 * np.pi * (220 + 55 * c) * t) * 9000 + noise.normal(0, 400, len(t)) for c in range(channels)]
    return np.stack(parts, 1).astype("<i2")


def decode(data: bytes) -> np.ndarray[Any, Any]:
    """The samples of a file in memory, of shape (samples, channels)."""
    with av.open(io.BytesIO(data)) as container:
        channels = container.streams.audio[0].codec_context.channels
        return np.concatenate([frame.to_ndarray().reshape(-1, channels) for frame in container.decode(audio=0)])


def clear(result: ConvertResult) -> bytes:
    """Init part and opened segments of a song."""
    keys = ContentKeys.load(result.key_path)
    with SongFile(result.path) as song:
        return song.init() + b"".join(song.clear(i, keys) for i in range(result.segments))


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (48_000, 2), (44_100, 1)])
def test_sixteen_bits_are_kept_exactly(make: Make, wav: Wav, rate: int, channels: int) -> None:
    """Every sample of a 16-bit recording comes out of the opened segments as it went in."""
    samples = tone(5.3, rate, channels)
    result = make(wav(samples, rate))
    assert (result.rate, result.channels, result.bits, result.samples) == (rate, channels, 16, len(samples))
    assert np.array_equal(decode(clear(result)), samples)


def test_twenty_four_bits_are_kept_exactly(make: Make, ffmpeg: Ffmpeg) -> None:
    """A 24-bit FLAC keeps its lower eight bits."""
    source = ffmpeg(
        "wide.flac", "-f", "lavfi", "-i", "sine=440:r=48000:d=3,volume=0.7071", "-c:a", "flac", "-sample_fmt", "s32"
    )
    result = make(source)
    heard, expected = decode(clear(result)), decode(source.read_bytes())
    assert result.bits == 24
    assert np.any(expected & 0xFF00)
    assert np.array_equal(heard, expected)


def test_segments_are_two_seconds_and_stand_alone(make: Make, wav: Wav) -> None:
    """Each segment after the init part decodes to its own samples, as a seek needs it."""
    samples = tone(5.3)
    result = make(wav(samples))
    keys = ContentKeys.load(result.key_path)
    with SongFile(result.path) as song:
        assert [s.samples for s in song.header.renditions[0].segments] == [88_200, 88_200, len(samples) - 176_400]
        for index in range(3):
            heard = decode(song.init() + song.clear(index, keys))
            assert np.array_equal(heard, samples[index * 88_200 : (index + 1) * 88_200])


def test_a_song_of_exactly_whole_segments_has_no_empty_one(make: Make, wav: Wav) -> None:
    """Four seconds are two segments."""
    assert make(wav(tone(4.0))).segments == 2


def test_a_tenth_of_a_second_is_a_song(make: Make, wav: Wav) -> None:
    """A recording shorter than a frame still converts whole."""
    samples = tone(0.05)
    assert np.array_equal(decode(clear(make(wav(samples)))), samples)


def test_the_address_is_the_registrys(make: Make, wav: Wav, deployment: Any) -> None:
    """Content and salt agree with what the registry will create."""
    result = make(wav(tone(1)))
    keys = ContentKeys.load(result.key_path)
    owner = address_of(bytes(range(1, 33)))
    assert result.content == predict_content(deployment.registry, deployment.content_implementation, owner, keys.salt)


def test_the_key_file_is_private(make: Make, wav: Wav) -> None:
    """Nobody but the band reads the content keys."""
    assert stat.S_IMODE(make(wav(tone(1))).key_path.stat().st_mode) == 0o600


def test_an_existing_song_is_not_replaced(make: Make, wav: Wav, tmp_path: Path) -> None:
    """Converting again would lose the first song's keys, so it must be asked for."""
    source = wav(tone(1))
    first = make(source)
    with pytest.raises(FileExistsError):
        make(source)
    assert make(source, replace=True).content != first.content


def test_a_failure_leaves_nothing(make: Make, tmp_path: Path) -> None:
    """A source that is no music leaves neither output nor temporary files."""
    source = tmp_path / "notes.txt"
    source.write_text("This is not music.\n" * 50)
    with pytest.raises(GomaaError):
        make(source)
    assert list(tmp_path.iterdir()) == [source]


def test_tags_and_options_name_the_song(make: Make, ffmpeg: Ffmpeg) -> None:
    """Tags are read; options win; line ends in tags become spaces."""
    source = ffmpeg(
        "t.flac", "-f", "lavfi", "-i", "sine=440:d=1", "-metadata", "title=Slow\nTide", "-metadata", "artist=Lamplight"
    )
    result = make(source, artist="Somebody else")
    assert (result.title, result.artist) == ("Slow Tide", "Somebody else")


@pytest.mark.parametrize(
    ("name", "arguments", "rate", "channels"),
    [
        ("slow.wav", ("-f", "lavfi", "-i", "sine=440:r=8000:d=3"), 48_000, 1),
        ("fast.wav", ("-f", "lavfi", "-i", "sine=440:r=192000:d=3"), 48_000, 1),
        ("around.wav", ("-f", "lavfi", "-i", "sine=440:r=48000:d=3", "-ac", "8"), 48_000, 2),
        ("lossy.mp3", ("-f", "lavfi", "-i", "sine=440:r=44100:d=3", "-ac", "2"), 44_100, 2),
        ("lossy.ogg", ("-f", "lavfi", "-i", "sine=440:r=44100:d=3", "-c:a", "libvorbis"), 44_100, 1),
        ("lossy.m4a", ("-f", "lavfi", "-i", "sine=440:r=44100:d=3", "-c:a", "aac"), 44_100, 1),
        ("lossy.opus", ("-f", "lavfi", "-i", "sine=440:r=48000:d=3", "-c:a", "libopus"), 48_000, 1),
        ("silent.flac", ("-f", "lavfi", "-i", "anullsrc=r=44100:cl=stereo:d=3"), 44_100, 2),
        ("eight.wav", ("-f", "lavfi", "-i", "sine=440:r=44100:d=3", "-c:a", "pcm_u8"), 44_100, 1),
        ("float.wav", ("-f", "lavfi", "-i", "sine=440:r=44100:d=3", "-c:a", "pcm_f32le"), 44_100, 1),
    ],
)
def test_what_ffmpeg_reads_converts(
    make: Make, ffmpeg: Ffmpeg, name: str, arguments: tuple[str, ...], rate: int, channels: int
) -> None:
    """Other rates, layouts and codecs become 44.1 or 48 kHz mono or stereo of the right length."""
    extra = ("-t", "3") if name.startswith("silent") else ()
    result = make(ffmpeg(name, *arguments, *extra))
    assert (result.rate, result.channels) == (rate, channels)
    assert result.duration_ms == pytest.approx(3000, abs=60)
    assert len(decode(clear(result))) == result.samples


def test_silence_has_a_flat_waveform(make: Make, wav: Wav) -> None:
    """Silence converts, and its waveform says so."""
    result = make(wav(np.zeros((88_200, 2), "<i2")))
    with SongFile(result.path) as song:
        assert set(song.header.waveform) == {0}


def test_the_waveform_follows_the_music(make: Make, wav: Wav) -> None:
    """A loud half after a quiet one shows as high after low peaks, at most 1000 of them."""
    samples = np.concatenate([np.full((44_100 * 15, 2), 1000), np.full((44_100 * 15, 2), -32_768)]).astype("<i2")
    result = make(wav(samples))
    with SongFile(result.path) as song:
        wave = song.header.waveform
    assert len(wave) == 1000
    assert set(wave[:499]) == {7}
    assert set(wave[501:]) == {255}


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\x00\x00\x00\x00WAVE", b"hello " * 1000, bytes(5000)])
def test_no_music_is_refused(make: Make, tmp_path: Path, content: bytes) -> None:
    """Empty files, bare headers, text and zeros are media.decode."""
    source = tmp_path / "x.wav"
    source.write_bytes(content)
    with pytest.raises(GomaaError) as caught:
        make(source)
    assert caught.value.code in ("media.decode", "media.unsupported")


def test_no_samples_are_refused(make: Make, wav: Wav) -> None:
    """A valid WAV file of length zero holds no song."""
    with pytest.raises(GomaaError, match=r"media\.decode"):
        make(wav(np.zeros((0, 2), "<i2")))


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_flac_is_refused(make: Make, ffmpeg: Ffmpeg, share: float) -> None:
    """A lossless file that ends early is not half a song."""
    source = ffmpeg("t.flac", "-f", "lavfi", "-i", "anoisesrc=r=44100:d=6:seed=1")
    data = source.read_bytes()
    source.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(GomaaError, match=r"media\.decode"):
        make(source)


def test_a_picture_is_refused(make: Make, ffmpeg: Ffmpeg) -> None:
    """A file that FFmpeg reads but that has no audio is media.decode."""
    with pytest.raises(GomaaError, match=r"media\.decode"):
        make(ffmpeg("p.png", "-f", "lavfi", "-i", "color=red:s=16x16", "-frames:v", "1"))


def test_memory_holds_one_segment(wav: Wav) -> None:
    """While a long recording is packaged the muxer's buffer never holds more than one segment."""
    most = 0
    with Recording(wav(tone(20))) as recording:
        packager = Packager(recording.sound)
        for segment, _ in packager.segments(recording.frames()):
            most = max(most, len(packager._sink._buffer) + len(packager._sink._moof))
            assert most < 2 * len(segment)


def test_a_decoder_agrees_on_the_whole_file(make: Make, wav: Wav) -> None:
    """Init part and all segments together are one playable MP4 of FLAC."""
    with av.open(io.BytesIO(clear(make(wav(tone(4.5)))))) as container:
        assert container.streams.audio[0].codec_context.name == "flac"
        assert sum(frame.samples for frame in container.decode(audio=0)) == round(4.5 * 44_100)
