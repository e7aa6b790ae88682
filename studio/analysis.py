"""Analysis of a recording before its conversion: names, sample format, loudness; and a watermarked preview."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from av.audio.frame import AudioFrame

from studio import tags
from studio.artwork import CoverPicture
from studio.audio import Recording, SampleFormat
from studio.loudness import Loudness, LoudnessMeter
from studio.marking import Watermarker
from studio.waveform import Waveform

PREVIEW_S: Final = 30


@dataclass(frozen=True)
class RecordingAnalysis:
    """A recording's names and measures; ``seconds`` as decoded, ``waveform`` as peaks 0 to 255."""

    title: str
    artist: str
    album: str
    isrc: str
    seconds: float
    sound: SampleFormat
    loudness: Loudness
    waveform: bytes
    artwork: CoverPicture | None
    warnings: tuple[str, ...] = ()
    """Notes on what was changed or left out."""


def analyse(path: Path, buckets: int = 150) -> RecordingAnalysis:
    """Decode a recording completely and measure it.

    Args:
        path: The recording.
        buckets: Peaks of the waveform.

    Raises:
        InputError: ``media.*``.
    """
    with Recording(path) as recording:
        meter, peaks, samples = LoudnessMeter(recording.sound), Waveform(recording.sound), 0
        for frame in recording.frames():
            meter.add(frame)
            peaks.add(frame)
            samples += frame.samples
        names = tags.names(recording.tags, recording.stem, {})
        return RecordingAnalysis(
            title=names.title,
            artist="" if names.artist == tags.UNKNOWN_ARTIST else names.artist,
            album=names.album,
            isrc=names.isrc or "",
            seconds=samples / recording.sound.rate,
            sound=recording.sound,
            loudness=meter.result(),
            waveform=peaks.result(buckets),
            artwork=recording.artwork,
            warnings=(*recording.notes, *names.notes),
        )


def preview(path: Path, layers: tuple[str, ...], start_s: float, seconds: float = PREVIEW_S) -> bytes:
    """A part of a recording with its watermark, as a 16-bit WAV.

    Args:
        path: The recording.
        layers: Watermark layers.
        start_s: Start of the part, s.
        seconds: Length of the part, s.

    Raises:
        InputError: ``media.*``.
    """
    out = io.BytesIO()
    with Recording(path) as recording, wave.open(out, "wb") as file:
        sound = recording.sound
        file.setnchannels(sound.channels)
        file.setsampwidth(2)
        file.setframerate(sound.rate)
        part = _part(recording, start_s, seconds)
        # The zero address: no contract has it, so a leaked preview identifies no content.
        for frame in Watermarker(bytes(20), sound, layers).frames(part) if layers else part:
            values: np.ndarray[Any, Any] = frame.to_ndarray()
            file.writeframesraw((values >> 16 if sound.bits == 24 else values).astype("<i2").tobytes())
    return out.getvalue()


def _part(recording: Recording, start_s: float, seconds: float) -> Iterator[AudioFrame]:
    at = 0
    for frame in recording.frames():
        at += frame.samples
        if at > (start_s + seconds) * recording.sound.rate:
            return
        if at > start_s * recording.sound.rate:
            yield frame
