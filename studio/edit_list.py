"""Presented samples of an MP4 track: edit lists (ISO/IEC 14496-12, 8.6.6) and iTunes' gapless counts."""

from __future__ import annotations

import re
import struct
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO, Final

import numpy as np
from av.audio.frame import AudioFrame

from pywallet.errors import InputError

_MAX_MOOV: Final = 64 << 20
"""Largest ``moov`` box that is read, bytes."""
_GAPLESS: Final = re.compile(
    rb"iTunSMPB.{0,64}? 00000000 ([0-9A-Fa-f]{8}) ([0-9A-Fa-f]{8}) ([0-9A-Fa-f]{16})", re.DOTALL
)
_EMPTY: Final = -1
_SILENCE: Final = 4096


@dataclass(frozen=True)
class Span:
    """A presented part of the track.

    Attributes:
        start: Start in the track, s; None: silence.
        length: Length, s; None: to the end of the track.
    """

    start: Fraction | None
    length: Fraction | None


def spans(file: BinaryIO) -> tuple[Span, ...]:
    """The presented parts of the first audio track, in order, by its edit list or the encoder's gapless counts.

    Empty where the whole track is presented, and for files other than MP4.

    Raises:
        InputError: ``media.unsupported``: the list repeats or reorders the track, or changes its speed.
    """
    moov = _moov(file)
    if moov is None:
        return ()
    scale = next((_scale(moov[a:b]) for _, a, b in _boxes(moov, 0, len(moov), b"mvhd")), 0)
    for _, a, b in _boxes(moov, 0, len(moov), b"trak"):
        handler = _first(moov, a, b, b"mdia", b"hdlr")
        if handler is None or moov[handler[0] + 8 : handler[0] + 12] != b"soun":
            continue
        media = _first(moov, a, b, b"mdia", b"mdhd")
        rate = _scale(moov[media[0] : media[1]]) if media else 0
        times = _first(moov, a, b, b"mdia", b"minf", b"stbl", b"stts")
        total = Fraction(_total(moov[times[0] : times[1]]) if times else 0, rate or 1)
        edits = _first(moov, a, b, b"edts", b"elst")
        if edits and rate and scale:
            return _ordered(_edits(moov[edits[0] : edits[1]], scale, rate, total))
        found = _GAPLESS.search(moov)
        if found and rate:
            priming, _, count = (int(value, 16) for value in found.groups())
            if count and total and Fraction(priming + count, rate) <= total:
                return (Span(Fraction(priming, rate), Fraction(count, rate)),)
        kind = _first(moov, a, b, b"mdia", b"minf", b"stbl", b"stsd")
        # ``stts`` says how many samples of the last AAC frame are sound.
        return (Span(Fraction(0), total),) if total and kind and moov[kind[0] + 12 : kind[0] + 16] == b"mp4a" else ()
    return ()


def cut(frames: Iterable[AudioFrame], parts: Iterable[Span]) -> Iterator[AudioFrame]:
    """The samples of the decoded frames that lie in the parts, by the frames' time stamps, with silence between."""
    remaining, clock, last = deque(parts), 0, None
    for frame in frames:
        rate = frame.sample_rate
        at = clock if frame.pts is None or frame.time_base is None else round(frame.pts * frame.time_base * rate)
        clock, last = at + frame.samples, frame
        while remaining:
            span = remaining[0]
            if span.start is None:
                yield from _silence(frame, round((span.length or 0) * rate))
                remaining.popleft()
                continue
            begin = round(span.start * rate)
            end = clock if span.length is None else begin + round(span.length * rate)
            if begin >= clock:
                break
            if max(begin, at) < min(end, clock):
                yield _part(frame, max(begin, at) - at, min(end, clock) - at)
            if span.length is None or end > clock:
                break
            remaining.popleft()
    for span in remaining:
        if span.start is None and last is not None:
            yield from _silence(last, round((span.length or 0) * last.sample_rate))


def seconds(parts: Iterable[Span]) -> float | None:
    """Total length of the parts, s; None where the last one runs to the end of the track."""
    lengths = [span.length for span in parts]
    return None if not lengths or None in lengths else float(sum(length for length in lengths if length is not None))


def _part(frame: AudioFrame, begin: int, end: int) -> AudioFrame:
    if (begin, end) == (0, frame.samples):
        return frame
    values = frame.to_ndarray()
    channels = len(frame.layout.channels)
    values = values[:, begin:end] if frame.format.is_planar else values[:, begin * channels : end * channels]
    return _like(frame, values)


def _silence(frame: AudioFrame, samples: int) -> Iterator[AudioFrame]:
    channels = len(frame.layout.channels)
    for at in range(0, samples, _SILENCE):
        size = min(_SILENCE, samples - at)
        shape = (channels, size) if frame.format.is_planar else (1, channels * size)
        yield _like(frame, np.zeros(shape, frame.to_ndarray().dtype))


def _like(frame: AudioFrame, values: np.ndarray[Any, Any]) -> AudioFrame:
    out = AudioFrame.from_ndarray(np.ascontiguousarray(values), format=frame.format.name, layout=frame.layout.name)
    out.sample_rate = frame.sample_rate
    return out


def _moov(file: BinaryIO) -> bytes | None:
    size_of_file, at = file.seek(0, 2), 0
    file.seek(0)
    if file.read(8)[4:] not in (b"ftyp", b"moov", b"wide", b"mdat", b"free", b"skip"):
        return None
    while at + 8 <= size_of_file:
        file.seek(at)
        head = file.read(16)
        size, kind = struct.unpack_from(">I4s", head)
        begin = 8
        if size == 1 and len(head) == 16:
            size, begin = int.from_bytes(head[8:], "big"), 16
        size = size or size_of_file - at
        if size < begin:
            return None
        if kind == b"moov":
            file.seek(at + begin)
            return file.read(size - begin) if size <= _MAX_MOOV else None
        at += size
    return None


def _boxes(data: bytes, at: int, until: int, kind: bytes) -> Iterator[tuple[bytes, int, int]]:
    while at + 8 <= until:
        size, name = struct.unpack_from(">I4s", data, at)
        if size < 8:
            return
        if name == kind:
            yield name, at + 8, min(at + size, until)
        at += size


def _first(data: bytes, at: int, until: int, *path: bytes) -> tuple[int, int] | None:
    for kind in path:
        found = next(_boxes(data, at, until, kind), None)
        if found is None:
            return None
        _, at, until = found
    return at, until


def _scale(box: bytes) -> int:
    """Time scale of an ``mvhd`` or ``mdhd`` box, ticks per second."""
    at = 20 if box[:1] == b"\1" else 12
    return int.from_bytes(box[at : at + 4], "big")


def _total(box: bytes) -> int:
    """Total duration of an ``stts`` box, ticks."""
    count = min(int.from_bytes(box[4:8], "big"), (len(box) - 8) // 8)
    return sum(n * length for n, length in struct.iter_unpack(">II", box[8 : 8 + 8 * count]))


def _edits(box: bytes, scale: int, rate: int, total: Fraction) -> Iterator[Span]:
    shape = struct.Struct(">Qqi" if box[:1] == b"\1" else ">Iii")
    count = min(int.from_bytes(box[4:8], "big"), (len(box) - 8) // shape.size)
    for duration, begin, speed in shape.iter_unpack(box[8 : 8 + shape.size * count]):
        length = Fraction(duration, scale)
        if begin == _EMPTY:
            yield Span(None, length)
            continue
        if speed != 0x10000 or begin < 0:
            raise InputError(
                "media.unsupported",
                reason="an edit list that changes the speed; export the recording again without edits",
            )
        start = Fraction(begin, rate)
        if not duration:
            yield Span(start, total - start if total > start else None)
            continue
        if total and abs(start + length - total) <= Fraction(1, scale):
            length = total - start  # edit lists count in the movie's ticks, which are coarser than samples
        elif total and start + length > total:
            length = max(Fraction(0), total - start)
        yield Span(start, length)


def _ordered(found: Iterable[Span]) -> tuple[Span, ...]:
    out, end = tuple(found), Fraction(0)
    for place, span in enumerate(out):
        if span.start is None:
            continue
        if span.start < end or (span.length is None and place + 1 < len(out)):
            raise InputError(
                "media.unsupported",
                reason="an edit list that repeats or reorders parts; export the recording without edits",
            )
        end = span.start + (span.length or 0)
    return out
