"""Sounds whose features are known because they are made so."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[np.float64]


def clicks(bpm: float, seconds: float, rate: int) -> Array:
    """A short low knock on every beat."""
    out = np.zeros(int(seconds * rate))
    knock = 0.5 * np.exp(-np.arange(rate // 20) / (rate / 150)) * np.sin(2 * np.pi * 700 * np.arange(rate // 20) / rate)
    for start in np.arange(0, seconds - 0.1, 60 / bpm):
        out[round(start * rate) : round(start * rate) + len(knock)] += knock
    return out


def chord(seconds: float, rate: int, semitones: tuple[int, ...] = (0, 4, 7), level: float = 0.1) -> Array:
    """Held tones above 220 Hz with falling overtones, over a trace of noise."""
    t = np.arange(int(seconds * rate)) / rate
    notes = [220 * 2 ** (s / 12) * n for s in semitones for n in (1, 2, 3, 4) if 220 * 2 ** (s / 12) * n < rate / 2]
    tones = np.sum([np.sin(2 * np.pi * f * t) * 220 / f for f in notes], axis=0)
    return level * tones / 3 + 1e-4 * np.random.default_rng(5).standard_normal(len(t))


def noise(seconds: float, rate: int, level: float = 0.1) -> Array:
    """White noise of this standard deviation."""
    return level * np.random.default_rng(7).standard_normal(int(seconds * rate))


def write_wav(path: Path, samples: Array, rate: int) -> Path:
    """16-bit WAV of (frames,) or (frames, channels)."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture
def make_wav(tmp_path: Path) -> Callable[[Array, int], Path]:
    """Writes samples to a WAV file of the test's own."""
    return lambda samples, rate: write_wav(tmp_path / "sound.wav", samples, rate)


HEADER = "Id,title,artist,year,bpm,nrgy,dnce,dB,live,val,dur,acous,spch,pop,top genre"


def song_lines(songs: int = 90, blank_every: int = 15) -> list[str]:
    """Made-up songs as CSV lines: three genres apart in tempo, loudness and acousticness, three songs an artist."""
    draw = np.random.default_rng(11)
    out = []
    for n in range(songs):
        kind = (n // 3) % 3
        middle = [90 + 30 * kind, 40 + 20 * kind, 50, -15 + 4 * kind, 13, 50, 200, 60 - 20 * kind, 5]
        values = draw.normal(middle, 4).round().astype(int).tolist()
        label = "" if n % blank_every == 7 else ("adult standards", "album rock", "detroit hip hop")[kind]
        out.append(
            ",".join(map(str, [n + 1, f'"Song, no. {n}"', f"Zoë {n // 3}", 1990 + kind, *values, 40 + n % 30, label]))
        )
    return out


@pytest.fixture
def song_table(tmp_path: Path) -> Path:
    """A table in the notebook's form with 90 made-up songs, six of them without a genre."""
    path = tmp_path / "songs.csv"
    path.write_text("\n".join([HEADER, *song_lines()]) + "\n", encoding="utf-8")
    return path
