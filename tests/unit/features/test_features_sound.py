"""What is listened to of a file or a stream, and how much of it is held."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from features.excerpts import EXCERPT_S, RATE, read_excerpts
from features.values import PCM
from pywallet.errors import InputError


def _seconds(total: int, rate: int, channels: int = 1) -> Iterator[np.ndarray]:
    """A stream of one-second blocks; second n has the level n / total."""
    for n in range(total):
        yield np.full((rate, channels), n / total, np.float32)


@pytest.mark.parametrize("total", [1, 30, 31, 89, 90, 91, 100, 179, 200, 1000])
def test_excerpts_are_spread_over_a_stream(total: int) -> None:
    """Up to 90 s all is heard; beyond, three excerpts of 20 to 30 s from different thirds.

    The duration is always the whole.
    """
    sound = read_excerpts(PCM(8000, _seconds(total, 8000)))
    assert sound.duration_s == pytest.approx(total, abs=0.05)
    heard = sum(map(len, sound.excerpts)) / RATE
    if total <= 90:
        assert heard == pytest.approx(total, abs=0.05)
    else:
        assert len(sound.excerpts) == 3
        assert all(EXCERPT_S - 10.05 <= len(excerpt) / RATE <= EXCERPT_S for excerpt in sound.excerpts)
        levels = [float(np.median(excerpt)) for excerpt in sound.excerpts]
        assert levels == sorted(levels)
        assert levels[2] - levels[0] >= 1 / 3


def test_memory_is_flat_in_length() -> None:
    """Two hours of stream hold no more than ten minutes do."""
    peaks = []
    for total in (600, 7200):
        tracemalloc.start()
        read_excerpts(PCM(2000, _seconds(total, 2000)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2
    assert peaks[1] < 60 << 20


def test_a_file_is_sought_in(make_wav: Callable[..., Path]) -> None:
    """A long file gives 30 s around the middle of each third."""
    rate, total = 4000, 300
    sound = read_excerpts(make_wav(np.repeat(np.arange(total) / total, rate), rate))
    assert sound.duration_s == pytest.approx(total, abs=0.1)
    middles = [float(np.median(excerpt)) for excerpt in sound.excerpts]
    assert middles == pytest.approx([1 / 6, 1 / 2, 5 / 6], abs=0.02)


def test_a_file_that_claims_to_be_longer_is_read_through(make_wav: Callable[..., Path]) -> None:
    """A WAV cut off after 20 s of its declared 200 s is heard for 20 s."""
    path = make_wav(np.full(200 * 4000, 0.25), 4000)
    path.write_bytes(path.read_bytes()[: 44 + 2 * 20 * 4000])
    sound = read_excerpts(path)
    assert sum(map(len, sound.excerpts)) / RATE == pytest.approx(20, abs=0.1)
    assert sound.duration_s == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize(("channels", "kept"), [(1, 1), (2, 2), (8, 2)])
def test_at_most_two_channels_are_kept(channels: int, kept: int) -> None:
    """Mono stays mono; surround becomes stereo at its mean."""
    (excerpt,) = read_excerpts(PCM(48_000, _seconds(2, 48_000, channels))).excerpts
    assert excerpt.shape[1] == kept
    assert float(excerpt[len(excerpt) * 3 // 4].mean()) == pytest.approx(0.5, abs=0.01)


def test_what_is_not_a_number_is_silence() -> None:
    """NaN and infinity in a stream leave finite samples."""
    block = np.full((8000, 2), 0.5, np.float32)
    block[100] = np.nan
    block[200] = np.inf
    (excerpt,) = read_excerpts(PCM(8000, [block])).excerpts
    assert np.isfinite(excerpt).all()


@pytest.mark.parametrize("content", [b"", b"not audio at all", b"RIFF\x24\x00\x00\x00WAVEfmt "])
def test_what_is_not_audio_is_refused(tmp_path: Path, content: bytes) -> None:
    """An empty file, text and a bare RIFF start are media.decode."""
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_excerpts(path)
    assert refused.value.code == "media.decode"


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """No file is no matter of audio."""
    with pytest.raises(FileNotFoundError):
        read_excerpts(tmp_path / "none.wav")


@pytest.mark.parametrize("rate", [0, 10**7])
def test_strange_rates_are_refused(rate: int) -> None:
    """A stream's rate must be one that sound has."""
    with pytest.raises(InputError) as refused:
        read_excerpts(PCM(rate, [np.zeros(10, np.float32)]))
    assert refused.value.code == "media.unsupported"


def test_channels_may_not_change() -> None:
    """A stream that goes from mono to stereo is refused in words."""
    with pytest.raises(InputError) as refused:
        read_excerpts(PCM(8000, [np.zeros((10, 1)), np.zeros((10, 2))]))
    assert refused.value.code == "media.unsupported"
