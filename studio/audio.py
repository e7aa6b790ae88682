"""Any recording that FFmpeg reads, as frames of a tenth of a second in the form it is kept in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from pywallet.errors import InputError
from studio import riff
from studio.tags import Artwork, artwork

KEPT_RATES: Final = (44_100, 48_000)
MAX_SECONDS: Final = 48 * 3600
"""What the header's table of segments has room for."""
_RATES: Final = range(4_000, 768_001)
_MAX_CHANNELS: Final = 64
_ATTACHED_PICTURE: Final = 0x400
_EXACT: Final = frozenset({"mov", "mp4", "m4a"})
"""Containers whose length is counted, not guessed, whatever the codec."""
_WIDE: Final = ("s32", "s32p", "s64", "s64p", "dbl", "dblp")
_PLAIN_FLOAT: Final = ("flt", "fltp")


@dataclass(frozen=True)
class Sound:
    """What a recording becomes: ``rate`` in Hz, 1 or 2 ``channels``, 16 or 24 ``bits``; ``frame`` samples in a tenth of a second."""

    rate: int
    channels: int
    bits: int

    @property
    def frame(self) -> int:
        """Samples per frame; twenty of them are a segment of two seconds."""
        return self.rate // 10

    @property
    def layout(self) -> str:
        """FFmpeg's name of the channels."""
        return "mono" if self.channels == 1 else "stereo"

    @property
    def format(self) -> str:
        """FFmpeg's name of the samples; 24 bits stand in the upper part of 32."""
        return "s16" if self.bits == 16 else "s32"


class Pipe:
    """Standard input as FFmpeg may read it: forward only, so nothing is held that has been heard."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        """The next bytes."""
        return self._stream.read(size)


class Recording:
    """A source that is being read; a context manager. Raises InputError ``media.decode``, ``media.unsupported``.

    What is kept: 44.1 and 48 kHz as they are, every other rate as 48 kHz; mono as it is, everything wider as stereo, by
    FFmpeg's down-mix (centre and surrounds at -3 dB, no low-frequency channel, lowered so that it cannot clip); 24 bits where
    there are more than 16, else 16.
    """

    def __init__(self, source: Path | BinaryIO) -> None:
        self.name, self.stem = (source.name, source.stem) if isinstance(source, Path) else ("standard input", "")
        if isinstance(source, Path):
            with source.open("rb"):
                pass  # a missing or forbidden file is an OSError, not a matter of audio
        self._whole = isinstance(source, Path)
        """A pipe's declared length is a writer's guess: it could not know what would follow."""
        self.artwork: Artwork | None = None
        """The attached picture, once ``frames`` has begun."""
        if isinstance(source, Path) and (short := riff.missing(source)):
            raise InputError("media.decode", file=self.name, reason="ends early", missing=f"{short} bytes")
        try:
            self._container: Any = av.open(str(source) if isinstance(source, Path) else Pipe(source), "r", metadata_errors="replace")
        except (av.FFmpegError, ValueError, OSError) as e:
            raise InputError("media.decode", file=self.name, reason=e) from None
        try:
            self._open()
        except BaseException:
            self._container.close()
            raise

    def _open(self) -> None:
        streams = self._container.streams.audio
        if not streams:
            raise InputError("media.decode", reason="no audio in this file")
        self._stream = streams[0]
        context = self._stream.codec_context
        if context is None or not context.rate or not 0 < context.channels <= _MAX_CHANNELS or context.format is None:
            raise InputError("media.unsupported", reason="no decoder, or no rate or channels")
        if context.rate not in _RATES:
            raise InputError("media.unsupported", reason=f"{context.rate} Hz; from {_RATES[0]} to {_RATES[-1]} Hz can be read")
        self.lossless = bool(self._stream.codec.lossless) and not context.codec.name.startswith("mp")
        wide = context.format.name in _WIDE or (context.format.name in _PLAIN_FLOAT and context.name.startswith("pcm_"))
        rate = context.rate if context.rate in KEPT_RATES else 48_000
        self.sound = Sound(rate, 1 if context.channels == 1 else 2, 24 if wide else 16)
        declared = self._stream.duration
        self.seconds: float | None = float(declared * self._stream.time_base) if declared and declared > 0 else None
        if self.seconds is None and self._container.duration:
            self.seconds = self._container.duration / av.time_base
        self._floats = context.format.name in _PLAIN_FLOAT or context.format.name in ("dbl", "dblp")
        self._exact = self._whole and (self.lossless or bool(_EXACT & set(self._container.format.name.split(","))))
        if not self._whole or (self.seconds is not None and not 0 < self.seconds < 10 * MAX_SECONDS):
            self.seconds = None
        if self.seconds is not None and self.seconds > MAX_SECONDS:
            raise InputError("media.unsupported", reason=f"longer than {MAX_SECONDS // 3600} hours", hours=round(self.seconds / 3600))
        self.tags = {k.lower(): v for k, v in {**self._container.metadata, **self._stream.metadata}.items()}

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def frames(self) -> Iterator[AudioFrame]:
        """Frames of ``sound.frame`` samples, the last one shorter. Raises InputError ``media.decode``, ``media.unsupported``."""
        sound = self.sound
        resampler = AudioResampler(format=sound.format, layout=sound.layout, rate=sound.rate, frame_size=sound.frame)
        samples = 0
        for piece in self._pieces():
            for frame in _resample(resampler, piece):
                samples += frame.samples
                if samples > MAX_SECONDS * sound.rate:
                    raise InputError("media.unsupported", reason=f"longer than {MAX_SECONDS // 3600} hours")
                yield frame
        if samples == 0 and not self._heard:
            raise InputError("media.decode", reason="no sound in this file")
        for frame in _resample(resampler, None):
            samples += frame.samples
            yield frame
        # A lossless file and an MP4 say exactly how long they are; an estimate from a bit rate says nothing.
        if self._exact and self.seconds is not None and samples < (self.seconds - 0.05) * sound.rate:
            raise InputError("media.decode", reason="ends early", seconds=round(samples / sound.rate, 2), declared=round(self.seconds, 2))

    _heard = False

    def _pieces(self) -> Iterator[AudioFrame]:
        pictures = [s for s in self._container.streams.video if int(s.disposition) & _ATTACHED_PICTURE][:1]
        packets = self._container.demux(self._stream, *pictures)
        while True:
            try:
                packet = next(packets, None)
                if packet is not None and packet.stream.type == "video":
                    self.artwork = self.artwork or artwork(bytes(packet))
                    continue
                frames = packet.decode() if packet is not None else []
            except av.FFmpegError as e:
                if self.lossless:
                    raise InputError("media.decode", reason=e) from None
                continue  # players skip a broken packet of a lossy stream too; such files begin or end with one
            if packet is None:
                return
            for frame in frames:
                self._heard = self._heard or frame.samples > 0
                if self._floats and not np.isfinite(frame.to_ndarray()).all():
                    raise InputError("media.decode", reason="samples that are not numbers")
                frame.pts = None
                yield frame


def _resample(resampler: AudioResampler, piece: AudioFrame | None) -> list[AudioFrame]:
    try:
        return list(resampler.resample(piece))
    except (av.FFmpegError, ValueError) as e:
        if piece is None and isinstance(e, av.EOFError):
            return []
        raise InputError("media.unsupported", reason=e) from None
