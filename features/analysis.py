"""Analysis of excerpts: spectral and rhythmic measures by librosa, mapped to features by ``features.columns``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from features.columns import Measures, features_of
from features.excerpts import RATE, Samples, read_excerpts
from features.loudness import loudness
from features.values import PCM, SILENCE_DB, Features
from pywallet.errors import InputError

FRAME: Final = 2048
HOP: Final = 512
FPS: Final = RATE / HOP
_SHORTEST: Final = FRAME
"""Shortest excerpt that is analysed, samples: one frame."""
_PULSE: Final = 384
"""Frames (9 s) of one window of the onset autocorrelation."""
_STEADY: Final = 0.05
"""Standard deviation of the onset envelope (dB per frame) below which there are no onsets.

A sustained tone has 0.001, noise 0.2, music 1 and more.
"""
_CLEAR: Final = 0.2
"""Smallest autocorrelation of a beat; white noise reaches 0.06 in a minute, twice that in 20 s."""
_USUAL_BPM: Final = 116
"""Centre of the tempo prior: geometric mean of the tempo column of the genre data."""
_SPREAD: Final = 1.0
"""Standard deviation of the tempo prior, octaves, as in librosa; the column's own, 0.31, makes 156 BPM into 104."""
_MAJOR: Final = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR: Final = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
"""Key profiles of Krumhansl and Kessler (1982)."""

Array = NDArray[np.float64]


def analyse(source: Path | str | PCM) -> Features:
    """Measure a file or a stream of samples.

    At most 90 s are analysed: three excerpts of 30 s from the middle of each third, in mono or stereo at 22.05 kHz.

    Raises:
        InputError: ``media.decode``, ``media.unsupported``.
        OSError: The file cannot be read.
    """
    sound = read_excerpts(source)
    analysed_s = sum(map(len, sound.excerpts)) / RATE
    level = loudness(sound.excerpts, RATE)
    excerpts = [excerpt for excerpt in sound.excerpts if len(excerpt) >= _SHORTEST]
    if level <= SILENCE_DB or not excerpts:
        return Features.silence(sound.duration_s, analysed_s)
    return features_of(measure(excerpts), level, sound.duration_s, analysed_s)


def measure(excerpts: list[Samples]) -> Measures:
    """Measures pooled over all frames of excerpts that are not silent.

    Args:
        excerpts: Samples at ``RATE``, each of shape (samples, channels).

    Raises:
        InputError: ``media.unsupported``: the extra ``features`` is missing.
    """
    try:
        import librosa
    except ImportError as e:
        raise InputError("media.unsupported", reason="the extra 'features' is not installed") from e

    mels, chromas, contrasts, levels, centroids, flatness, pulses, onsets, modulation = ([] for _ in range(9))
    for excerpt in excerpts:
        mono = excerpt.mean(axis=1)
        spectrum = np.abs(librosa.stft(mono, n_fft=FRAME, hop_length=HOP))
        power = spectrum**2
        mel = librosa.feature.melspectrogram(S=power, sr=RATE)
        decibels = librosa.power_to_db(mel, amin=1e-8, top_db=None)
        envelope = librosa.onset.onset_strength(
            S=librosa.power_to_db(mel, amin=1e-8, top_db=80.0), sr=RATE, hop_length=HOP
        )
        mels.append(decibels)
        chromas.append(librosa.feature.chroma_stft(S=power, sr=RATE, tuning=0.0, norm=None).sum(axis=1))
        contrasts.append(librosa.feature.spectral_contrast(S=spectrum, sr=RATE))
        levels.append(librosa.feature.rms(S=spectrum, frame_length=FRAME)[0])
        centroids.append(librosa.feature.spectral_centroid(S=spectrum, sr=RATE)[0])
        flatness.append(librosa.feature.spectral_flatness(S=spectrum)[0])
        pulses.append(_onset_autocorrelation(envelope))
        onsets.append(_onsets(envelope) / (len(mono) / RATE))
        modulation.append(_modulation(mel))
    weights = [len(excerpt) for excerpt in excerpts]
    level = np.concatenate(levels)
    loud = level > level.max() * 1e-3
    ceps = librosa.feature.mfcc(S=np.concatenate(mels, axis=1)[:, loud], n_mfcc=13)[1:]
    tempo, clarity = _tempo(np.average(pulses, axis=0, weights=weights))
    quiet = loud & (level <= np.percentile(level[loud], 10))
    return Measures(
        tempo_bpm=tempo,
        clarity=clarity,
        onset_rate=float(np.average(onsets, weights=weights)),
        median_level_db=_ratio_db(np.median(level[loud]), np.percentile(level[loud], 95)),
        quiet_level_db=_ratio_db(np.percentile(level[loud], 10), np.median(level[loud])),
        quiet_flatness=float(np.concatenate(flatness)[quiet].mean()),
        centroid_hz=float(np.average(np.concatenate(centroids)[loud], weights=level[loud])),
        mode=_mode(np.sum(chromas, axis=0)),
        syllables=float(np.average(modulation, weights=weights)),
        pauses=float(np.mean(np.concatenate([_pauses(part) for part in levels]))),
        timbre=tuple(map(float, ceps.mean(axis=1))),
        change=tuple(map(float, ceps.std(axis=1))),
        contrast=tuple(map(float, np.concatenate(contrasts, axis=1)[:, loud].mean(axis=1))),
    )


def _ratio_db(value: float, reference: float) -> float:
    """Ratio of two amplitudes, dB."""
    return float(20 * np.log10(max(value, 1e-9) / max(reference, 1e-9)))


def _onsets(envelope: Array) -> int:
    """Number of onsets: prominent peaks of the onset envelope, at least 70 ms apart."""
    if envelope.std() < _STEADY:
        return 0
    return len(signal.find_peaks(envelope, height=envelope.mean() + 0.5 * envelope.std(), distance=3)[0])


def _onset_autocorrelation(envelope: Array) -> Array:
    """Mean autocorrelation of the onset envelope in windows of 9 s, by lag in frames; zeros without onsets."""
    lags = np.zeros(_PULSE)
    windows = 0
    for start in range(0, max(1, len(envelope) - _PULSE + 1), _PULSE // 2):
        part = envelope[start : start + _PULSE]
        windows += 1
        if part.std() < _STEADY:
            continue
        part = part - part.mean()
        power = float(part @ part)
        size = 1 << (2 * len(part) - 1).bit_length()
        correlation = np.fft.irfft(np.abs(np.fft.rfft(part, size)) ** 2)[: len(part)]
        # Unbiased estimate: long lags have fewer products.
        lags[: len(part)] += (
            correlation / power * len(part) / np.maximum(len(part) - np.arange(len(part)), len(part) // 4)
        )
    return lags / windows


def _tempo(pulse: Array) -> tuple[float, float]:
    """Tempo (BPM) and pulse clarity (0 to 1), by the autocorrelation and a log-normal prior; (0, 0) without a beat."""
    lags = np.arange(1, len(pulse) // 4)
    bpm = 60 * FPS / lags
    prior = np.exp(-0.5 * (np.log2(bpm / _USUAL_BPM) / _SPREAD) ** 2)
    allowed = (bpm >= 40) & (bpm <= 240)
    # Multiples of a period correlate as well: prefer the shortest.
    shorter = 1 - lags / len(pulse)
    best = int(lags[np.argmax(np.where(allowed, np.maximum(pulse[lags], 0) * prior * shorter, 0))])
    clarity = float(pulse[best])
    if clarity < _CLEAR or not 40 <= 60 * FPS / best <= 240:
        return 0.0, 0.0
    # Lags are whole frames, 5 % apart at 120 BPM: peaks at the double and quadruple lag refine the period.
    period = _refined(pulse, best)
    for times in (2, 4):
        around = round(period * times)
        reach = range(max(1, around - 2), min(len(pulse) - 1, around + 3))
        near = max(reach, key=lambda lag: pulse[lag])
        if pulse[near] < 0.5 * clarity:
            break
        period = _refined(pulse, near) / times
    return 60 * FPS / period, min(1.0, clarity)


def _refined(pulse: Array, lag: int) -> float:
    """The lag interpolated by a parabola through its neighbours."""
    before, at, after = pulse[lag - 1], pulse[lag], pulse[lag + 1]
    bend = before - 2 * at + after
    return lag + float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else float(lag)


def _mode(chroma: Array) -> float:
    """Correlation with the best major key minus that with the best minor key (Krumhansl and Kessler 1982)."""
    if chroma.std() <= 1e-9:
        return 0.0
    best = [
        max(float(np.corrcoef(np.roll(profile, n), chroma)[0, 1]) for n in range(12)) for profile in (_MAJOR, _MINOR)
    ]
    return best[0] - best[1]


def _modulation(mel: Array) -> float:
    """Share of the modulation energy of 0.5 to 20 Hz that is at 3 to 6 Hz, the rate of syllables.

    Source: Scheirer and Slaney 1997, "4 Hz modulation energy".
    """
    bands = np.sqrt(mel.reshape(32, 4, -1).sum(axis=1))
    spectrum = (
        np.abs(np.fft.rfft((bands - bands.mean(axis=1, keepdims=True)) * np.hanning(bands.shape[1]), axis=1)) ** 2
    )
    rates = np.fft.rfftfreq(bands.shape[1], 1 / FPS)
    total = spectrum[:, (rates >= 0.5) & (rates <= 20)].sum()
    return float(spectrum[:, (rates >= 3) & (rates <= 6)].sum() / total) if total > 0 else 0.0


def _pauses(level: Array) -> Array:
    """1.0 for each frame below half the mean level of the second around it, else 0.0 (Scheirer and Slaney 1997)."""
    width = min(len(level), round(FPS))
    around = np.convolve(level, np.ones(width), "same") / np.convolve(np.ones(len(level)), np.ones(width), "same")
    return (level < 0.5 * around).astype(float)
