"""Make an original piece of music: ``python examples/make_sample.py OUT.wav``.

"Lamplight" is written here and licensed as the rest of the repository: eight
bars of chords in A minor, twice, over bass, drums, a plucked melody and a
slow pad, at 88 beats a minute. Nothing is sampled; every run gives the same bytes.
"""

from __future__ import annotations

import sys
import wave
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 44_100
BEAT: Final = 60 / 88
BARS: Final = 16
TITLE: Final = "Lamplight"
ARTIST: Final = "The Slow Tides"

Sound = NDArray[np.float64]

# One chord a bar, as MIDI notes: Am9, Fmaj7, Cadd9, G6, Am9, Dm9, Fmaj7, E7sus.
CHORDS: Final = [
    (57, 64, 67, 71),
    (53, 60, 64, 69),
    (48, 62, 64, 67),
    (55, 62, 64, 71),
    (57, 64, 67, 71),
    (50, 60, 64, 69),
    (53, 60, 64, 69),
    (52, 62, 64, 69),
]
# Melody over eight bars: (beat, MIDI note, beats).
MELODY: Final = [
    (0.0, 76, 1.5), (1.5, 74, 0.5), (2.0, 72, 1.0), (3.0, 71, 1.0), (4.0, 72, 2.5), (6.5, 69, 1.5),
    (8.0, 67, 1.0), (9.0, 72, 1.0), (10.0, 74, 2.0), (12.0, 71, 1.5), (13.5, 74, 0.5), (14.0, 79, 2.0),
    (16.0, 76, 1.5), (17.5, 77, 0.5), (18.0, 76, 1.0), (19.0, 72, 1.0), (20.0, 74, 1.5), (21.5, 72, 0.5), (22.0, 69, 2.0),  # noqa: E501
    (24.0, 72, 1.0), (25.0, 71, 0.5), (25.5, 69, 0.5), (26.0, 67, 2.0), (28.0, 69, 1.5), (29.5, 71, 0.5), (30.0, 71, 2.0),  # noqa: E501
]  # fmt: skip


def hertz(note: float) -> float:
    """The frequency of a MIDI note."""
    return float(440 * 2 ** ((note - 69) / 12))


def clock(seconds: float) -> Sound:
    """Times of so many seconds of samples."""
    return np.arange(round(seconds * RATE)) / RATE


def fade(t: Sound, attack: float, release: float) -> Sound:
    """An envelope that rises and falls smoothly."""
    end = t[-1] if len(t) else 0.0
    return np.clip(t / attack, 0, 1) * np.clip((end - t) / release, 0, 1)


class Mix:
    """A stereo buffer that sounds are laid into."""

    def __init__(self, seconds: float) -> None:
        self.data: Sound = np.zeros((round(seconds * RATE), 2))

    def add(self, sound: Sound, at: float, gain: float, pan: float = 0.0) -> None:
        """Lay ``sound`` at a time in seconds; ``pan`` from -1 (left) to 1, at equal power."""
        start = round(at * RATE)
        sound = sound[: max(0, len(self.data) - start)]
        angle = (pan + 1) * np.pi / 4
        self.data[start : start + len(sound), 0] += sound * gain * np.cos(angle)
        self.data[start : start + len(sound), 1] += sound * gain * np.sin(angle)


def pad(note: int, seconds: float) -> Sound:
    """Three slightly detuned soft saws whose overtones breathe."""
    t = clock(seconds)
    out = np.zeros_like(t)
    for cents in (-6, 0, 7):
        base = hertz(note + cents / 100)
        for k in range(1, 9):
            bright = np.exp(-(k - 1) * (0.75 - 0.2 * np.sin(2 * np.pi * t / seconds / 2)))
            out += bright * np.sin(2 * np.pi * base * k * t + k * cents) / k
    return out * fade(t, 0.5, 0.7) / 3


def pluck(note: int, seconds: float) -> Sound:
    """An electric piano: a sine bent by a second one that dies away."""
    t = clock(seconds + 0.8)
    f = hertz(note)
    bend = 1.6 * np.exp(-5 * t) * np.sin(2 * np.pi * f * 2 * t) + 0.4 * np.exp(-14 * t) * np.sin(2 * np.pi * f * 7 * t)
    tremble = 1 + 0.06 * np.sin(2 * np.pi * 5 * t)
    return np.sin(2 * np.pi * f * t + bend) * np.exp(-1.9 * t) * tremble * fade(t, 0.004, 0.2)


def bass(note: int, seconds: float) -> Sound:
    """A round bass with a little second and third harmonic."""
    t = clock(seconds)
    f = hertz(note)
    out = (
        np.sin(2 * np.pi * f * t)
        + 0.35 * np.sin(4 * np.pi * f * t) * np.exp(-3 * t)
        + 0.12 * np.sin(6 * np.pi * f * t) * np.exp(-6 * t)
    )
    return out * np.exp(-0.7 * t) * fade(t, 0.008, 0.06)


def kick() -> Sound:
    """A falling sine."""
    t = clock(0.35)
    return np.sin(2 * np.pi * (48 * t + 70 / 26 * (1 - np.exp(-26 * t)))) * np.exp(-9 * t) * fade(t, 0.001, 0.02)


def snare(noise: np.random.Generator) -> Sound:
    """A brushed snare: soft noise over a short tone."""
    t = clock(0.3)
    hiss = np.convolve(noise.standard_normal(len(t)), [0.25, 0.5, 0.25], "same")
    return (0.7 * hiss * np.exp(-15 * t) + 0.4 * np.sin(2 * np.pi * 185 * t) * np.exp(-24 * t)) * fade(t, 0.003, 0.05)


def hat(noise: np.random.Generator, seconds: float) -> Sound:
    """Noise without its low end."""
    t = clock(seconds)
    return np.diff(noise.standard_normal(len(t) + 2), 2) * np.exp(-t * 5 / seconds) * 0.3


def echo(dry: Sound, beats: float, gain: float) -> Sound:
    """Repeats that cross from side to side and grow duller."""
    out, wet, step = dry.copy(), dry, round(beats * BEAT * RATE)
    for _ in range(4):
        wet = np.roll(wet, step, axis=0)[:, ::-1] * gain
        wet[:step] = 0
        wet = (wet + np.roll(wet, 1, axis=0) + np.roll(wet, 2, axis=0)) / 3
        out += wet
    return out


def room(dry: Sound, noise: np.random.Generator) -> Sound:
    """A small hall: the sound convolved with decaying noise, another for each side."""
    t = clock(1.4)
    size = 1 << (len(dry) + len(t)).bit_length()
    out = np.zeros_like(dry)
    for side in range(2):
        tail = np.convolve(noise.standard_normal(len(t)), np.ones(6) / 6, "same") * np.exp(-4.2 * t)
        tail[: RATE // 60] = 0
        out[:, side] = np.fft.irfft(np.fft.rfft(dry[:, side], size) * np.fft.rfft(tail, size), size)[: len(dry)]
    return out * 0.011


def compose() -> Sound:
    """The piece, stereo, within -1 and 1."""
    noise = np.random.default_rng(1893)
    seconds = (BARS * 4 + 4) * BEAT
    soft, lead, drums = Mix(seconds), Mix(seconds), Mix(seconds)
    for bar in range(BARS):
        at, chord = bar * 4 * BEAT, CHORDS[bar % 8]
        for i, note in enumerate(chord):
            soft.add(pad(note, 4 * BEAT + 0.7), at, 0.085, (-0.7, 0.5, -0.3, 0.7)[i])
        # An arpeggio from the second bar on keeps the pulse before the drums come.
        for eighth in range(8 if bar else 0):
            note = chord[(0, 2, 1, 3, 2, 3, 1, 2)[eighth]] + 12
            lead.add(
                pluck(note, 0.4), at + (eighth / 2 + 0.02 * (eighth % 2)) * BEAT, 0.07, 0.6 if eighth % 2 else -0.6
            )
        if bar >= 2:
            root = chord[0] - (12 if chord[0] >= 50 else 0)
            for beat, up, length in ((0.0, 0, 1.4), (1.5, 0, 0.9), (2.5, 7, 0.5), (3.0, 12, 0.9)):
                drums.add(bass(root + up, length * BEAT), at + beat * BEAT, 0.30 if up == 0 else 0.20)
        if bar >= 4:
            for beat in (0.0, 1.75, 2.0) if bar % 2 else (0.0, 2.0, 2.75):
                drums.add(kick(), at + beat * BEAT, 0.55)
            for beat in (1.0, 3.0):
                drums.add(snare(noise), at + beat * BEAT, 0.26, 0.1)
            for eighth in range(8):
                drums.add(hat(noise, 0.05 if eighth % 2 == 0 else 0.11), at + eighth / 2 * BEAT, 0.055, -0.35)
    for turn in range(1, BARS // 8 + 1):
        start = (turn - 1) * 32 + (8 if turn == 1 else 0)
        for beat, note, length in MELODY:
            if (turn - 1) * 32 + beat >= start:
                lead.add(pluck(note, length * BEAT), ((turn - 1) * 32 + beat) * BEAT, 0.20, 0.15)
    # The last chord rings out.
    for i, note in enumerate((45, 57, 64, 67, 71, 76)):
        lead.add(pluck(note, 4 * BEAT), BARS * 4 * BEAT + 0.03 * i, 0.13, i / 3 - 0.8)
    dry = soft.data + echo(lead.data, 0.75, 0.38) + drums.data
    mix = np.tanh(0.9 * (dry + room(soft.data + lead.data, noise)))
    ends = np.minimum(1, np.arange(len(mix))[::-1] / (2.0 * RATE))[:, None]
    return np.asarray(mix / np.abs(mix).max() * 0.89 * ends)


def write(path: Path) -> None:
    """Write the piece as 16-bit stereo WAV, with its title and artist as tags."""
    samples = np.round(compose() * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    _tag(path)


def _tag(path: Path) -> None:
    """Append a LIST INFO chunk, which the standard library's writer does not know."""
    info = b"INFO"
    for name, text in ((b"INAM", TITLE), (b"IART", ARTIST)):
        value = text.encode() + b"\0"
        info += name + len(value).to_bytes(4, "little") + value + b"\0" * (len(value) % 2)
    with path.open("r+b") as file:
        file.seek(0, 2)
        file.write(b"LIST" + len(info).to_bytes(4, "little") + info)
        size = file.tell() - 8
        file.seek(4)
        file.write(size.to_bytes(4, "little"))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/make_sample.py OUT.wav")
    write(Path(sys.argv[1]))
