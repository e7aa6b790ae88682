"""Decoder of recordings: any file that FFmpeg reads, as frames of 0.1 s in the song's sample format."""

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
from audio.downmix import Downmix, plain_layout
from audio.source import open_container, patched, spooled
from pywallet.errors import InputError
from studio import edit_list, mp3_length
from studio.artwork import CoverPicture, best_cover
from studio.integrity import Integrity
from studio.tags import TagValues, read
from studio.text import display_name

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
class SampleFormat:
    """Sample format of a song: ``rate`` in Hz, 1 or 2 ``channels``, 16 or 24 ``bits``."""

    rate: int
    channels: int
    bits: int

    @property
    def frame(self) -> int:
        """Samples per channel of a frame of 0.1 s; twenty frames are one segment of 2 s."""
        return self.rate // 10

    @property
    def layout(self) -> str:
        """FFmpeg's name of the channel layout."""
        return "mono" if self.channels == 1 else "stereo"

    @property
    def format(self) -> str:
        """FFmpeg's name of the sample format; 24-bit samples are the upper bits of 32."""
        return "s16" if self.bits == 16 else "s32"


class Recording:
    """An open recording; a context manager.

    The output format: 44.1 and 48 kHz are kept, every other rate is resampled to 48 kHz; mono is kept, more channels
    become stereo (``audio.downmix``); 24 bits where the decoded samples have more than 16 or are floats of a lossless
    format, otherwise 16.

    Args:
        source: A file, or a binary stream, which is copied to a temporary file first.
        scratch: Folder of that temporary file; None: the system's.

    Raises:
        InputError: ``media.decode``, ``media.unsupported``.
    """

    def __init__(self, source: Path | BinaryIO, scratch: Path | None = None) -> None:
        self.name, self.stem = (source.name, source.stem) if isinstance(source, Path) else ("standard input", "")
        self.artwork: CoverPicture | None = None
        """The attached picture, once ``frames`` has ended."""
        self.notes: list[str] = []
        """Notes on what was changed or left out; complete once ``frames`` has ended."""
        with ExitStack() as stack:
            # A missing or unreadable file is an OSError, not ``media.decode``.
            file = stack.enter_context(source.open("rb") if isinstance(source, Path) else spooled(source, scratch))
            self._open(file)
            stack.callback(self._container.close)
            self._read_stream()
            self._tags: TagValues | None = None
            self._file = file
            self._stack = stack.pop_all()

    def _open(self, file: BinaryIO) -> None:
        wave = riff.find_sound(file)
        if wave is not None and wave.missing:
            raise InputError(
                "media.decode", file=display_name(self.name), reason="ends early", missing=f"{wave.missing} bytes"
            )
        if wave is not None and wave.surplus:
            self.notes.append(f"{wave.surplus} bytes after the sound are no part of it and are left out")
        if wave is not None and wave.length_unknown and wave.patches:
            self.notes.append("the file does not say how long its sound is: all of it was taken, up to the next chunk")
        pages = ogg.read_pages(file) if wave is None else None
        if pages is not None and not pages.ended:
            self.notes.append("the file does not say that it is whole: its end may be missing")
        if pages is not None and pages.patches:
            self.notes.append("negative positions in the file were counted from its beginning")
        self._counted = mp3_length.declared_seconds(file)
        """Length that an MP3's first frame declares, s; None without one."""
        self._spans = edit_list.spans(file)
        try:
            options = {"ignore_editlist": "1"} if self._spans else {}
            self._container: Any = open_container(patched(file, self.name), options)
        except (av.FFmpegError, ValueError, OSError) as e:
            raise InputError("media.decode", file=display_name(self.name), reason=e) from None

    def _read_stream(self) -> None:
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
        self._containers = frozenset(self._container.format.name.split(","))
        self.lossless = bool(self._stream.codec.lossless) and not context.codec.name.startswith("mp")
        floats = context.format.name in _FLOATS
        wide = context.format.name in _WIDE or (floats and (self.lossless or context.name.startswith(("pcm_", "dsd_"))))
        rate = context.rate if context.rate in KEPT_RATES else 48_000
        self.sound = SampleFormat(rate, 1 if context.channels == 1 else 2, 24 if wide else 16)
        self._floats = floats
        if len(streams) > 1:
            self.notes.append(f"the file has {len(streams)} audio tracks; the first was taken")
        self._downmix = None if plain_layout(context.layout) else Downmix(context.layout)
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
        """The declared length, s, or None; sets ``_exact``: True unless the length is an estimate."""
        declared, whole = self._stream.duration, self._container.duration
        seconds = float(declared * self._stream.time_base) if declared and declared > 0 else None
        self._exact = self.lossless or bool(_EXACT & self._containers)
        if "mp3" in self._containers:
            # FFmpeg ignores a frame count that the file's size contradicts; it is enforced here all the same.
            seconds, self._exact = self._counted or seconds, self._counted is not None
        if self._spans:
            seconds = edit_list.seconds(self._spans) or seconds
        elif seconds is None and "matroska" in self._containers:
            seconds = _seconds_of(self._stream.metadata.get("DURATION", ""))
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
        """Decoded frames of ``sound.frame`` samples, the last one shorter.

        Raises:
            InputError: ``media.decode``, ``media.unsupported``.
        """
        sound = self.sound
        resampler = AudioResampler(format=sound.format, layout=sound.layout, rate=sound.rate, frame_size=sound.frame)
        samples = 0
        decoded: Iterator[AudioFrame] = self._decoded()
        for piece in edit_list.cut(decoded, self._spans) if self._spans else decoded:
            for frame in _resample(resampler, self._checked(piece)):
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

    def _checked(self, piece: AudioFrame) -> AudioFrame:
        """The frame as the resampler takes it: finite samples, at most two channels. Raises InputError."""
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

    def _decoded(self) -> Iterator[AudioFrame]:
        pictures = [s for s in self._container.streams.video if int(s.disposition) & _ATTACHED_PICTURE]
        seen = dict[int, tuple[str, bytes]]()
        integrity = Integrity(self._containers)
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
        self.artwork, left_out = best_cover(seen.values())
        self.notes += integrity.notes + left_out


def _seconds_of(text: str) -> float | None:
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
