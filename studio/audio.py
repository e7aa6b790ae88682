"""Decodes any recording that FFmpeg reads to frames of a tenth of a second in the song's sample format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from audio import ogg, riff
from audio.downmix import Downmix, plainly
from audio.source import open_container, spooled, view
from pywallet.errors import InputError
from studio import mp3, mp4
from studio.integrity import Integrity
from studio.tags import Artwork, TagValues, cover, read
from studio.text import shown

KEPT_RATES: Final = (44_100, 48_000)
MAX_SECONDS: Final = 48 * 3600
"""Limit of the header's table of segments."""
_RATES: Final = range(4_000, 768_001)
_MAX_CHANNELS: Final = 64
_ATTACHED_PICTURE: Final = 0x400
_EXACT: Final = frozenset({"mov", "mp4", "m4a", "ogg"})
"""Containers whose declared length is exact with every codec."""
_WIDE: Final = ("s32", "s32p", "s64", "s64p", "dbl", "dblp")
_FLOATS: Final = ("flt", "fltp", "dbl", "dblp")


@dataclass(frozen=True)
class Sound:
    """Sample format of a song: ``rate`` in Hz, 1 or 2 ``channels``, 16 or 24 ``bits``."""

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


class Recording:
    """An open source; a context manager.

    What is kept: 44.1 and 48 kHz as they are, every other rate as 48 kHz; mono as it is, everything wider as stereo
    (see ``audio.downmix``); 24 bits where the decoded samples have more than 16 or are floats of a lossless format,
    else 16.

    Args:
        source: A file, or a binary stream, which is read to its end first.
        scratch: Folder for a stream's bytes; None: the system's.

    Raises:
        InputError: ``media.decode``, ``media.unsupported``.
    """

    def __init__(self, source: Path | BinaryIO, scratch: Path | None = None) -> None:
        self.name, self.stem = (source.name, source.stem) if isinstance(source, Path) else ("standard input", "")
        self.artwork: Artwork | None = None
        """The attached picture, once ``frames`` has ended."""
        self.notes: list[str] = []
        """Notes on what was changed or left out; complete once ``frames`` has ended."""
        with ExitStack() as stack:
            # A missing or unreadable file is an OSError, not ``media.decode``.
            file = stack.enter_context(source.open("rb") if isinstance(source, Path) else spooled(source, scratch))
            self._open(file)
            stack.callback(self._container.close)
            self._look()
            self._tags: TagValues | None = None
            self._file = file
            self._stack = stack.pop_all()

    def _open(self, file: BinaryIO) -> None:
        wave = riff.look(file)
        if wave is not None and wave.missing:
            raise InputError(
                "media.decode", file=shown(self.name), reason="ends early", missing=f"{wave.missing} bytes"
            )
        if wave is not None and wave.surplus:
            self.notes.append(f"{wave.surplus} bytes after the sound are no part of it and are left out")
        if wave is not None and wave.unsaid and wave.patches:
            self.notes.append("the file does not say how long its sound is: all of it was taken, up to the next chunk")
        pages = ogg.look(file) if wave is None else None
        if pages is not None and not pages.ended:
            self.notes.append("the file does not say that it is whole: its end may be missing")
        if pages is not None and pages.patches:
            self.notes.append("negative positions in the file were counted from its beginning")
        self._counted = mp3.counted(file)
        """Seconds that an MP3's first frame declares."""
        self._spans = mp4.spans(file)
        try:
            options = {"ignore_editlist": "1"} if self._spans else {}
            self._container: Any = open_container(view(file, self.name), options)
        except (av.FFmpegError, ValueError, OSError) as e:
            raise InputError("media.decode", file=shown(self.name), reason=e) from None

    def _look(self) -> None:
        streams = self._container.streams.audio
        if not streams:
            raise InputError("media.decode", reason="no audio in this file")
        self._stream = streams[0]
        context = self._stream.codec_context
        if context is None or not context.rate or not 0 < context.channels <= _MAX_CHANNELS or context.format is None:
            raise InputError("media.unsupported", reason="no decoder, or no rate or channels")
        if context.rate not in _RATES:
            raise InputError(
                "media.unsupported", reason=f"{context.rate} Hz; from {_RATES[0]} to {_RATES[-1]} Hz can be read"
            )
        self._kinds = frozenset(self._container.format.name.split(","))
        self.lossless = bool(self._stream.codec.lossless) and not context.codec.name.startswith("mp")
        floats = context.format.name in _FLOATS
        wide = context.format.name in _WIDE or (floats and (self.lossless or context.name.startswith(("pcm_", "dsd_"))))
        rate = context.rate if context.rate in KEPT_RATES else 48_000
        self.sound = Sound(rate, 1 if context.channels == 1 else 2, 24 if wide else 16)
        self._floats = floats
        if len(streams) > 1:
            self.notes.append(f"the file has {len(streams)} audio tracks; the first was taken")
        self._downmix = None if plainly(context.layout) else Downmix(context.layout)
        # Checksums are enforced for lossless formats only; lossy decoders would then refuse files that players play.
        context.options = {
            **({"err_detect": "crccheck+explode"} if self.lossless else {}),
            **({"flags2": "+skip_manual"} if self._spans else {}),
        }
        self.seconds = self._declared()
        if self.seconds is not None and self.seconds > MAX_SECONDS:
            raise InputError(
                "media.unsupported", reason=f"longer than {MAX_SECONDS // 3600} hours", hours=round(self.seconds / 3600)
            )

    def _declared(self) -> float | None:
        """The declared length, s; sets ``_exact`` where it is exact and not an estimate."""
        declared, whole = self._stream.duration, self._container.duration
        seconds = float(declared * self._stream.time_base) if declared and declared > 0 else None
        self._exact = self.lossless or bool(_EXACT & self._kinds)
        if "mp3" in self._kinds:
            # FFmpeg ignores a frame count that the file's size contradicts; it is enforced here all the same.
            seconds, self._exact = self._counted or seconds, self._counted is not None
        if self._spans:
            seconds = mp4.seconds(self._spans) or seconds
        elif seconds is None and "matroska" in self._kinds:
            seconds = _clock(self._stream.metadata.get("DURATION", ""))
            if seconds is None and len(self._container.streams) == 1 and whole:
                seconds = whole / av.time_base
            self._exact = seconds is not None
        if seconds is None and whole:
            seconds, self._exact = whole / av.time_base, False
        return seconds if seconds is not None and 0 < seconds < 10 * MAX_SECONDS else None

    @property
    def tags(self) -> TagValues:
        """The recording's tags."""
        if self._tags is None:
            at = self._file.tell()
            self._tags = read(self._file, self._container)
            self._file.seek(at)
        return self._tags

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def frames(self) -> Iterator[AudioFrame]:
        """Frames of ``sound.frame`` samples, the last one shorter.

        Raises:
            InputError: ``media.decode``, ``media.unsupported``.
        """
        sound = self.sound
        resampler = AudioResampler(format=sound.format, layout=sound.layout, rate=sound.rate, frame_size=sound.frame)
        samples = 0
        pieces: Iterator[AudioFrame] = self._pieces()
        for piece in mp4.cut(pieces, self._spans) if self._spans else pieces:
            for frame in _resample(resampler, self._prepared(piece)):
                samples += frame.samples
                if samples > MAX_SECONDS * sound.rate:
                    raise InputError("media.unsupported", reason=f"longer than {MAX_SECONDS // 3600} hours")
                yield frame
        if samples == 0 and not self._heard:
            raise InputError("media.decode", reason="no sound that can be decoded in this file")
        for frame in _resample(resampler, None):
            samples += frame.samples
            yield frame
        # Only an exact length is enforced, not an estimate from a bit rate.
        if self._exact and self.seconds is not None and samples < (self.seconds - 0.05) * sound.rate:
            raise InputError(
                "media.decode",
                reason="ends early",
                seconds=round(samples / sound.rate, 2),
                declared=round(self.seconds, 2),
            )
        if any(span.start is None for span in self._spans):
            self.notes.append("the edit list begins parts later: there is silence in their place")
        self.notes += self._downmix.notes if self._downmix else []

    _heard = False

    def _prepared(self, piece: AudioFrame) -> AudioFrame:
        """A decoded frame for the resampler, mixed to stereo where it has more channels. Raises InputError."""
        if self._floats and not np.isfinite(piece.to_ndarray()).all():
            raise InputError("media.decode", reason="samples that are not numbers")
        if self._downmix is not None:
            if piece.layout.name != self._downmix.layout:
                raise InputError(
                    "media.unsupported",
                    reason="the channels change in the middle; convert the recording to one form first",
                )
            piece = self._downmix.mix(piece)
        piece.pts = None
        return piece

    def _pieces(self) -> Iterator[AudioFrame]:
        pictures = [s for s in self._container.streams.video if int(s.disposition) & _ATTACHED_PICTURE]
        seen = dict[int, tuple[str, bytes]]()
        integrity = Integrity(self._kinds)
        packets = self._container.demux(self._stream, *pictures)
        while True:
            packet = None
            try:
                packet = next(packets, None)
                if packet is not None and packet.stream.type == "video":
                    seen.setdefault(packet.stream.index, (packet.stream.metadata.get("comment", ""), bytes(packet)))
                    continue
                frames = packet.decode() if packet is not None else []
            except av.FFmpegError:
                integrity.failed(bytes(packet) if packet is not None else b"")
                continue
            if packet is None:
                break
            for frame in frames:
                integrity.frame(frame, flushed=packet.size == 0)
                self._heard = integrity.heard
                yield frame
        if integrity.end() and self.lossless and not (self._exact and self.seconds is not None):
            raise InputError("media.decode", reason="damaged at the end, and the file does not say how long it is")
        self.artwork, left_out = cover(seen.values())
        self.notes += integrity.notes + left_out


def _clock(text: str) -> float | None:
    """Seconds of ``00:03:25.120000000``."""
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", text)
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) if match else None


def _resample(resampler: AudioResampler, piece: AudioFrame | None) -> list[AudioFrame]:
    try:
        return list(resampler.resample(piece))
    except (av.FFmpegError, ValueError) as e:
        if piece is None and isinstance(e, av.EOFError):
            return []
        raise InputError("media.unsupported", reason=e) from None
