"""Features of sounds that are made to have them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import features
from features.loudness import loudness
from features.values import PCM, Features
from tests.budget import budget
from tests.unit.features.conftest import chord, clicks, noise

RATE = 22_050
SHARES = ("energy", "danceability", "liveness", "valence", "acousticness", "speechiness")


def _measure(samples: np.ndarray, rate: int = RATE) -> Features:
    return features.extract(PCM(rate, [samples]))


@pytest.mark.parametrize("bpm", [60, 72, 90, 100, 120, 128, 140, 174])
def test_tempo_of_clicks(bpm: int) -> None:
    """A click track's tempo is found within 1 %, or its double or half where that is nearer the usual 116."""
    found = _measure(clicks(bpm, 30, RATE)).tempo_bpm
    assert min(abs(found / (bpm * factor) - 1) for factor in (0.5, 1, 2)) < 0.01
    if 72 <= bpm <= 140:
        assert found == pytest.approx(bpm, rel=0.01)


@pytest.mark.parametrize("samples", [noise(20, RATE), chord(20, RATE, (0,))], ids=["noise", "note"])
def test_no_beat_no_tempo(samples: np.ndarray) -> None:
    """Noise and a held note have no tempo."""
    assert _measure(samples).tempo_bpm == 0


def test_loudness_of_the_standards_tone() -> None:
    """A stereo tone of 1 kHz at -23 dBFS is -23 LUFS (EBU Tech 3341, case 1), within its tolerance of 0.1."""
    t = np.arange(20 * RATE) / RATE
    tone = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * t)
    assert loudness([np.column_stack([tone, tone])], RATE) == pytest.approx(-23, abs=0.1)
    assert _measure(np.column_stack([tone, tone])).loudness_db == pytest.approx(-23, abs=0.1)


def test_loudness_gate_leaves_pauses_out() -> None:
    """Half silence does not make a tone quieter (EBU Tech 3341, case 3 in spirit)."""
    t = np.arange(10 * RATE) / RATE
    tone = (0.2 * np.sin(2 * np.pi * 1000 * t))[:, None]
    alone, paused = loudness([tone], RATE), loudness([np.vstack([tone, np.zeros_like(tone)])], RATE)
    assert paused == pytest.approx(alone, abs=0.2)


def test_louder_means_more_energy_and_less_acoustic() -> None:
    """20 dB more of the same sound raises loudness by 20 and energy, and lowers acousticness; tempo and timbre stay."""
    sound = clicks(110, 20, RATE) + chord(20, RATE)
    quiet, loud = _measure(0.4 * sound), _measure(4 * sound)
    assert loud.loudness_db - quiet.loudness_db == pytest.approx(20, abs=0.1)
    assert loud.energy > quiet.energy + 10
    assert loud.acousticness < quiet.acousticness - 10
    assert loud.tempo_bpm == pytest.approx(quiet.tempo_bpm, rel=0.01)
    assert loud.timbre == pytest.approx(quiet.timbre, abs=3)


def test_a_clear_beat_is_more_danceable_than_none() -> None:
    """Clicks at 118 BPM are at least 50 above noise."""
    assert _measure(clicks(118, 20, RATE)).danceability > _measure(noise(20, RATE)).danceability + 50


def test_major_is_brighter_than_minor() -> None:
    """The same chord with a major third has the higher valence."""
    assert _measure(chord(15, RATE, (0, 4, 7))).valence > _measure(chord(15, RATE, (0, 3, 7))).valence + 5


def test_syllables_are_speech_and_a_hum_is_not() -> None:
    """Noise in irregular bursts four times a second with gaps counts as speech; steady noise does not."""
    draw = np.random.default_rng(11)
    out, at = np.zeros(30 * RATE), 0
    while at < len(out) - RATE:
        length = int(RATE * draw.uniform(0.07, 0.2))
        out[at : at + length] = np.hanning(length) * draw.standard_normal(length) * draw.uniform(0.05, 0.3)
        at += length + int(RATE * draw.uniform(0.03, 0.2))
    assert _measure(out).speechiness > 30
    assert _measure(noise(20, RATE)).speechiness == 0


def test_noise_between_the_notes_counts_as_live() -> None:
    """The same clicks over a bed of noise have the higher liveness."""
    dry = clicks(100, 20, RATE) + chord(20, RATE)
    assert _measure(dry + noise(20, RATE, 0.05)).liveness > _measure(dry).liveness + 20


@pytest.mark.parametrize("samples", [np.zeros(RATE), np.zeros((5 * RATE, 2)), np.zeros(0), 1e-6 * noise(2, RATE)])
def test_silence_has_no_features(samples: np.ndarray) -> None:
    """Silence, nothing at all and what is below the gate are silent, and a header gets nothing of them."""
    assert _measure(samples).silent
    assert features.for_header(PCM(RATE, [samples])) == {}


@pytest.mark.parametrize("frames", [1, 100, 2047, 2048, 2049, 5000])
def test_very_short_sounds_are_measured_or_silent(frames: int) -> None:
    """Fewer samples than an analysis frame are silent; more give finite numbers."""
    measured = _measure(noise(1, RATE)[:frames])
    assert measured.silent == (frames < 2048)
    assert all(
        math.isfinite(v)
        for value in asdict(measured).values()
        for v in (value if isinstance(value, tuple) else (value,))
    )


@pytest.mark.parametrize("rate", [8000, 11_025, 44_100, 48_000, 96_000, 192_000])
def test_rates_agree(rate: int) -> None:
    """The same music at any rate has the same tempo and, within 1 dB, the same loudness."""
    measured = _measure(clicks(105, 12, rate) + chord(12, rate), rate)
    assert measured.tempo_bpm == pytest.approx(105, rel=0.01)
    reference = _measure(clicks(105, 12, RATE) + chord(12, RATE))
    assert measured.loudness_db == pytest.approx(reference.loudness_db, abs=1)


def test_a_file_and_its_samples_agree(make_wav: Callable[..., Path]) -> None:
    """Reading a WAV and streaming its samples give the same features."""
    sound = 0.8 * (clicks(100, 10, RATE) + chord(10, RATE))
    path = make_wav(sound, RATE)
    from_file, streamed = features.extract(path), _measure(np.round(sound * 32767) / 32768)
    assert from_file.tempo_bpm == pytest.approx(streamed.tempo_bpm, rel=0.001)
    assert from_file.loudness_db == pytest.approx(streamed.loudness_db, abs=0.05)
    assert from_file == features.extract(str(path))


def test_json_has_the_columns() -> None:
    """The object for JSON has every field and no strange numbers."""
    value = json.loads(json.dumps(_measure(chord(3, RATE)).to_json(), allow_nan=False))
    assert set(value) == {
        *SHARES,
        "tempo_bpm",
        "loudness_db",
        "duration_s",
        "brightness_hz",
        "timbre",
        "change",
        "contrast",
        "heard_s",
    }


@budget(0.2)
@given(
    seed=st.integers(0, 2**32 - 1),
    seconds=st.floats(0.1, 3),
    level=st.floats(1e-5, 1),
    rate=st.sampled_from([8000, 22_050, 48_000]),
    channels=st.integers(1, 3),
)
def test_any_sound_is_within_its_columns(seed: int, seconds: float, level: float, rate: int, channels: int) -> None:
    """Whatever comes in, shares stay within 0 to 100, tempo is 0 or 40 to 240, and the vector has its length."""
    draw = np.random.default_rng(seed)
    gate = draw.random((int(seconds * 10) + 1, 1)) < 0.5
    samples = (
        level
        * draw.standard_normal((int(seconds * rate), channels))
        * np.repeat(gate, rate // 10, axis=0)[: int(seconds * rate)]
    )
    measured = _measure(samples, rate)
    assert all(0 <= getattr(measured, name) <= 100 for name in SHARES)
    assert measured.tempo_bpm == 0 or 39 <= measured.tempo_bpm <= 241
    assert len(measured.vector()) <= 64
