"""Sounds to mark."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from watermark.embed import Embedder

Samples = NDArray[np.floating[Any]]


def music(seconds: float, rate: int, channels: int = 2, seed: int = 1) -> Samples:
    """A drum, a snare and a chord over soft noise."""
    draw = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    drum = 0.4 * np.exp(-((t % 0.5) / 0.05)) * np.sin(2 * np.pi * 60 * t)
    snare = 0.2 * np.exp(-(((t + 0.5) % 1) / 0.04)) * draw.standard_normal(len(t))
    chord = sum(0.03 / k * np.sin(2 * np.pi * f * k * t + f * seed) for f in (220, 277.2, 329.6) for k in range(1, 9))
    return np.stack([drum + snare + chord + draw.normal(0, 1e-3, len(t)) for _ in range(channels)], axis=1)


def marked(sound: Samples, address: bytes, rate: int, **options: Any) -> Samples:
    """The sound with its mark, in 16 bits."""
    embedder = Embedder(address, rate, sound.shape[1], **options)
    out = np.concatenate([embedder.process(sound), embedder.finish()])
    return np.rint(np.clip(out, -1, 1) * 32767) / 32768


@pytest.fixture
def wav(tmp_path: Path) -> Callable[..., Path]:
    """Writes samples as a 16-bit WAV."""

    def write(name: str, samples: Samples, rate: int) -> Path:
        path = tmp_path / name
        with wave.open(str(path), "wb") as file:
            file.setnchannels(samples.shape[1])
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
        return path

    return write
