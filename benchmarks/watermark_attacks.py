"""Attacks on marked sound: copies, resampling, players' effects, mixes."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin, oaconvolve, resample

Samples = NDArray[np.floating[Any]]
Attack = Callable[[Samples, int], tuple[Samples, int]]
_RAW: Final = ("-f", "f32le", "-ac", "2")


def _ffmpeg(sound: Samples, rate: int, options: tuple[str, ...], out_rate: int) -> Samples:
    done = subprocess.run(
        ["ffmpeg", "-v", "error", *_RAW, "-ar", str(rate), "-i", "-", *options, *_RAW, "-ar", str(out_rate), "-"],
        input=sound.astype("<f4").tobytes(),
        capture_output=True,
        check=True,
    )
    return np.frombuffer(done.stdout, "<f4").reshape(-1, 2)


def _codec(suffix: str, *options: str) -> Attack:
    def attack(sound: Samples, rate: int) -> tuple[Samples, int]:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder, f"copy.{suffix}"))
            raw = sound.astype("<f4").tobytes()
            subprocess.run(
                ["ffmpeg", "-v", "error", *_RAW, "-ar", str(rate), "-i", "-", *options, path], input=raw, check=True
            )
            out = subprocess.run(
                ["ffmpeg", "-v", "error", "-i", path, *_RAW, "-ar", str(rate), "-"], capture_output=True, check=True
            )
        return np.frombuffer(out.stdout, "<f4").reshape(-1, 2), rate

    return attack


def _filter(text: str) -> Attack:
    return lambda sound, rate: (_ffmpeg(sound, rate, ("-af", text), rate), rate)


def _speed(ratio: float) -> Attack:
    return lambda sound, rate: (resample(sound, 10 * round(len(sound) / ratio / 10)), rate)


def _other_rate(rate: int) -> int:
    return 48_000 if rate == 44_100 else 44_100


def _back_and_forth(sound: Samples, rate: int) -> tuple[Samples, int]:
    other = _other_rate(rate)
    return _ffmpeg(_ffmpeg(sound, rate, (), other), other, (), rate), rate


def _echo(sound: Samples, rate: int) -> tuple[Samples, int]:
    noise = np.random.default_rng(9).normal(0, 1e-3, sound.shape)
    return sound + 0.5 * np.roll(sound, round(0.007 * rate), axis=0) + noise, rate


def _bright(sound: Samples, rate: int) -> tuple[Samples, int]:
    draw = np.random.default_rng(8)
    other = 0.1 * np.diff(draw.standard_normal((len(sound) + 1, 2)), axis=0)
    return 0.5 * sound + 0.5 * other, rate


ATTACKS: Final[dict[str, Attack]] = {
    "none": lambda s, r: (s, r),
    "FLAC 16": _codec("flac", "-sample_fmt", "s16"),
    "-20 dB, 16 bits": lambda s, r: (np.rint(s * 0.1 * 32767) / 32767, r),
    "8 bits": lambda s, r: (np.rint(s * 127) / 127, r),
    "+6 dB, clipped": lambda s, r: (np.clip(2 * s, -1, 1), r),
    "crop 0.737 s": lambda s, r: (s[round(0.737 * r) :], r),
    "resample to the other rate and back": _back_and_forth,
    "resample to the other rate, read there": lambda s, r: (_ffmpeg(s, r, (), _other_rate(r)), _other_rate(r)),
    "clock +50 ppm": _speed(1.00005),
    "speed +1 %": _speed(1.01),
    "speed -4 %": _speed(0.96),
    "speed +4 %": _speed(1.04),
    "echo 7 ms and noise -60 dBFS": _echo,
    "mixed with unmarked bright noise": _bright,
    "compressor and limiter": _filter("acompressor=threshold=-20dB:ratio=4:attack=5:release=80,alimiter=limit=0.7"),
    "low-pass 18 kHz, 2 poles": _filter("lowpass=f=18000:p=2"),
    "low-pass 16 kHz, 4 poles": _filter("lowpass=f=16000:p=2,lowpass=f=16000:p=2"),
    "low-pass 19 kHz, FIR": lambda s, r: (oaconvolve(s, firwin(511, 19_000, fs=r)[:, None], mode="same", axes=0), r),
    "low-pass 8 kHz, 2 poles": _filter("lowpass=f=8000:p=2"),
    "AAC 256k": _codec("m4a", "-c:a", "aac", "-b:a", "256k"),
    "AAC 128k": _codec("m4a", "-c:a", "aac", "-b:a", "128k"),
    "AAC 64k": _codec("m4a", "-c:a", "aac", "-b:a", "64k"),
    "MP3 320k": _codec("mp3", "-c:a", "libmp3lame", "-b:a", "320k"),
    "MP3 128k": _codec("mp3", "-c:a", "libmp3lame", "-b:a", "128k"),
    "MP3 64k": _codec("mp3", "-c:a", "libmp3lame", "-b:a", "64k"),
    "Opus 128k": _codec("opus", "-c:a", "libopus", "-b:a", "128k"),
    "Opus 64k": _codec("opus", "-c:a", "libopus", "-b:a", "64k"),
    "Vorbis q10": _codec("ogg", "-c:a", "libvorbis", "-q:a", "10"),
    "Vorbis q6": _codec("ogg", "-c:a", "libvorbis", "-q:a", "6"),
}
INBAND: Final = (
    "none",
    "crop 0.737 s",
    "resample to the other rate, read there",
    "compressor and limiter",
    "low-pass 8 kHz, 2 poles",
    "AAC 128k",
    "AAC 64k",
    "MP3 128k",
    "MP3 64k",
    "Opus 128k",
    "Opus 64k",
)
"""The attacks after which the in-band layer is read; the others are the ultrasonic layer's alone."""
UNMARKED: Final = (
    "none",
    "+6 dB, clipped",
    "resample to the other rate, read there",
    "MP3 128k",
    "AAC 128k",
    "Opus 128k",
)
"""The attacks after which the unmarked clips, too, are read, for false finds."""
