"""Features of the formats songs come in, whole and damaged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import features
from features.excerpts import EXCERPT_S, RATE, read_excerpts
from pywallet.errors import InputError
from tests.budget import budget
from tests.unit.features.conftest import chord, clicks

FORMATS = {"mp3": ("mp3", "libmp3lame"), "flac": ("flac", "flac"), "opus": ("ogg", "libopus")}
FORMATS |= {"m4a": ("ipod", "aac"), "wav": ("wav", "pcm_s16le")}


def _encode(kind: str, samples: np.ndarray, rate: int) -> bytes:
    """Mono samples as a file of this kind."""
    container, codec = FORMATS[kind]
    out = BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout="mono", rate=rate, frame_size=stream.frame_size or 1024
        )
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], format="flt", layout="mono")
        frame.sample_rate = rate
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))
    return out.getvalue()


@cache
def _music(kind: str) -> bytes:
    return _encode(kind, 0.8 * (clicks(105, 6, 48_000) + chord(6, 48_000)), 48_000)


@cache
def _short(kind: str) -> bytes:
    return _encode(kind, chord(1, 48_000), 48_000)


@pytest.mark.parametrize("kind", FORMATS)
def test_long_files_are_sought_in_whatever_the_format(kind: str, tmp_path: Path) -> None:
    """Of 100 s that grow louder, the excerpts are from around 17, 50 and 83 s, in every format."""
    rate, total = 24_000, 100
    t = np.arange(rate * total) / rate
    path = tmp_path / f"song.{kind}"
    path.write_bytes(_encode(kind, 0.9 * t / total * np.sin(2 * np.pi * 440 * t), rate))
    sound = read_excerpts(path)
    assert sound.duration_s == pytest.approx(total, abs=1.5)
    assert all(len(excerpt) == EXCERPT_S * RATE for excerpt in sound.excerpts)
    middles = [float(np.sqrt(2 * np.mean(excerpt**2))) / 0.9 for excerpt in sound.excerpts]
    assert middles == pytest.approx([1 / 6, 1 / 2, 5 / 6], abs=0.05)


@pytest.mark.parametrize("kind", FORMATS)
def test_formats_agree(kind: str, tmp_path: Path, make_wav: Callable[..., Path]) -> None:
    """Tempo within 1 % and loudness within 1 dB of the lossless file, in every format."""
    path = tmp_path / f"song.{kind}"
    path.write_bytes(_music(kind))
    found, reference = (
        features.extract(path),
        features.extract(make_wav(0.8 * (clicks(105, 6, 48_000) + chord(6, 48_000)), 48_000)),
    )
    assert found.tempo_bpm == pytest.approx(reference.tempo_bpm, rel=0.01)
    assert found.loudness_db == pytest.approx(reference.loudness_db, abs=1)


@budget(0.4)
@given(
    kind=st.sampled_from(sorted(FORMATS)),
    keep=st.floats(0, 1),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=30),
)
def test_damaged_files_are_measured_or_refused(kind: str, keep: float, changes: list[tuple[float, int]]) -> None:
    """A file cut anywhere with bytes changed anywhere gives finite numbers or media.decode or media.unsupported."""
    data = bytearray(_short(kind))
    for place, byte in changes:
        data[int(place * len(data))] = byte
    with TemporaryDirectory() as folder:
        path = Path(folder, f"song.{kind}")
        path.write_bytes(data[: int(keep * len(data))])
        try:
            found = features.extract(path)
        except InputError as error:
            assert error.code in ("media.decode", "media.unsupported")
            return
    assert all(
        math.isfinite(v) for value in asdict(found).values() for v in (value if isinstance(value, tuple) else (value,))
    )
