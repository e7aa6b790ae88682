"""Thirteen kinds of sound, made by formula, so that anybody can repeat the table of robustness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

Samples = NDArray[np.floating[Any]]
Draw = np.random.Generator

_SCALE: Final = (220.0, 261.6, 293.7, 329.6, 392.0, 440.0, 523.3)


def _notes(t: Samples, draw: Draw, length_s: float, harmonics: int, decay_s: float, low: float = 1.0) -> Samples:
    """A melody of decaying harmonic notes."""
    out = np.zeros_like(t)
    number = (t / length_s).astype(int)
    pitch = low * np.array(_SCALE)[draw.integers(0, len(_SCALE), number.max() + 1)][number]
    inside = t - number * length_s
    phase = 2 * np.pi * pitch * inside
    for k in range(1, harmonics + 1):
        out += np.sin(k * phase) / k * np.exp(-inside * k / decay_s / 3)
    return out * np.exp(-inside / decay_s) * np.minimum(1, inside / 0.004)


def _drums(t: Samples, draw: Draw, beat_s: float) -> Samples:
    kick = np.exp(-((t % beat_s) / 0.06)) * np.sin(2 * np.pi * 55 * (t % beat_s))
    snare = np.exp(-(((t + beat_s / 2) % beat_s) / 0.05)) * draw.standard_normal(len(t)) * 0.4
    hat = np.exp(-((t % (beat_s / 4)) / 0.015)) * np.diff(draw.standard_normal(len(t) + 1)) * 0.15
    return np.asarray(kick + snare + hat)


def _band(sound: Samples, low: float, high: float, rate: int) -> Samples:
    return np.asarray(sosfilt(butter(4, [low, min(high, 0.49 * rate)], "bandpass", fs=rate, output="sos"), sound))


def _pink(size: int, draw: Draw) -> Samples:
    return np.asarray(
        lfilter(
            [0.049922, -0.095993, 0.050612, -0.004408], [1, -2.494956, 2.017265, -0.522189], draw.standard_normal(size)
        )
    )


def _orchestra(t: Samples, rate: int, draw: Draw) -> Samples:
    pads = [_notes(t, draw, 1.7, 12, 3.0, low) for low in (0.25, 0.5, 1, 1.5, 2)]
    return np.asarray(0.1 * np.sum(pads, axis=0) + 0.01 * _pink(len(t), draw))


def _acoustic(t: Samples, rate: int, draw: Draw) -> Samples:
    return np.asarray(
        0.25 * _notes(t, draw, 0.3, 20, 0.5)
        + 0.15 * _notes(t, draw, 0.6, 10, 0.8, 0.5)
        + 2e-4 * draw.standard_normal(len(t))
    )


def _rock(t: Samples, rate: int, draw: Draw) -> Samples:
    guitar = np.tanh(6 * (_notes(t, draw, 0.45, 6, 0.9, 0.5) + _notes(t, draw, 0.45, 6, 0.9, 0.75)))
    return 0.3 * _band(guitar, 80, 6000, rate) + 0.4 * _drums(t, draw, 0.5)


def _electronic(t: Samples, rate: int, draw: Draw) -> Samples:
    saw = 2 * ((t * 110 * (1 + (t // 2) % 3)) % 1) - 1
    return np.asarray(0.25 * saw * (0.6 + 0.4 * np.sin(2 * np.pi * 0.25 * t)) + 0.5 * _drums(t, draw, 0.47))


def _metal(t: Samples, rate: int, draw: Draw) -> Samples:
    riff = np.tanh(20 * (_notes(t, draw, 0.11, 5, 0.4, 0.25) + _notes(t, draw, 0.11, 5, 0.4, 0.375)))
    return np.asarray(
        0.35 * _band(riff, 70, 8000, rate) + 0.35 * _drums(t, draw, 0.22) + 0.05 * _cymbals(t, rate, draw)
    )


def _cymbals(t: Samples, rate: int, draw: Draw) -> Samples:
    crash = np.exp(-((t % 1.3) / 0.5)) + 0.5 * np.exp(-((t % 0.33) / 0.1))
    return np.asarray(0.3 * crash * _band(draw.standard_normal(len(t)), 3000, 21_500, rate))


def _loop(t: Samples, rate: int, draw: Draw) -> Samples:
    size = round(1.875 * rate)
    part = np.arange(size) / rate
    return np.resize(0.2 * _notes(part, draw, 0.23, 15, 0.3) + 0.4 * _drums(part, draw, 0.46875), len(t))


def _speech(t: Samples, rate: int, draw: Draw) -> Samples:
    syllable = (t / 0.19).astype(int)
    pitch = 110 + 25 * np.sin(2 * np.pi * 0.4 * t) + 6 * draw.standard_normal(syllable.max() + 1)[syllable]
    glottis = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0.0)
    voice = sum(
        _band(glottis, f * 0.9, f * 1.12, rate) * g for f, g in ((550, 1.0), (1500, 0.6), (2600, 0.3), (3600, 0.15))
    )
    hiss = _band(draw.standard_normal(len(t)), 4000, 9000, rate) * 0.02
    speaking = draw.random(syllable.max() + 1) > 0.25
    return np.where(speaking[syllable], np.sin(np.pi * (t / 0.19 % 1)), 0.0) * (
        4 * voice + hiss
    ) + 1e-4 * draw.standard_normal(len(t))


def _white(t: Samples, rate: int, draw: Draw) -> Samples:
    return 0.15 * draw.standard_normal(len(t))


def _pink_noise(t: Samples, rate: int, draw: Draw) -> Samples:
    return 2.0 * _pink(len(t), draw)


def _piano(t: Samples, rate: int, draw: Draw) -> Samples:
    return 0.006 * _notes(t, draw, 0.9, 8, 0.9) + 3e-5 * draw.standard_normal(len(t))


def _clipped(t: Samples, rate: int, draw: Draw) -> Samples:
    return np.clip(3 * _rock(t, rate, draw) + _electronic(t, rate, draw), -0.98, 0.98)


def _bass(t: Samples, rate: int, draw: Draw) -> Samples:
    return 0.5 * _notes(t, draw, 0.5, 3, 0.8, 0.25) + 0.3 * _drums(t, draw, 1.0)


_KINDS: Final[dict[str, Callable[[Samples, int, Draw], Samples]]] = {
    "orchestra": _orchestra,
    "acoustic": _acoustic,
    "rock": _rock,
    "electronic": _electronic,
    "metal": _metal,
    "cymbals, 24 bits": _cymbals,
    "loop": _loop,
    "speech": _speech,
    "white noise": _white,
    "pink noise": _pink_noise,
    "quiet piano": _piano,
    "clipped master": _clipped,
    "bass": _bass,
}
COUNT: Final = len(_KINDS)


def clip(number: int, seconds: float) -> tuple[str, int, int, Samples]:
    """Name, rate (44.1 and 48 kHz in turn), bits, and stereo samples of full scale 1 of one of the ``COUNT`` clips."""
    name, make = list(_KINDS.items())[number]
    rate = 44_100 if number % 2 else 48_000
    t = np.arange(round(seconds * rate)) / rate
    sides = [make(t, rate, np.random.default_rng([number, side])) for side in (0, 1)]
    left, right = 0.8 * sides[0] + 0.2 * sides[1], 0.2 * sides[0] + 0.8 * sides[1]
    return name, rate, 24 if "24" in name else 16, np.clip(np.stack([left, right], axis=1), -1, 1)
