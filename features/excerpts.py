"""Excerpts of a recording as mono or stereo samples at 22.05 kHz, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from features.values import PCM
from pywallet.errors import InputError

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

RATE: Final = 22_050
EXCERPT_S: Final = 30
EXCERPTS: Final = 3
_EXCERPT: Final = RATE * EXCERPT_S
_KEPT: Final = 6
"""Most excerpts held while the length of a stream is unknown."""

_LAYOUTS: Final = {1: "mono", 2: "stereo"}

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Excerpts:
    """Excerpts in order, each of shape (samples, channels) at ``RATE`` with one or two channels; whole length, s."""

    excerpts: tuple[Samples, ...]
    duration_s: float


def read_excerpts(source: Path | str | PCM) -> Excerpts:
    """Excerpts of a file or stream: all of it up to 90 s, otherwise three of 20 to 30 s spread over it.

    Raises:
        InputError: ``media.decode``, ``media.unsupported``.
        OSError: The file cannot be read.
    """
    if isinstance(source, PCM):
        return _spread_excerpts(_resampled(source))
    path = Path(source)
    with path.open("rb"):
        pass  # a missing or unreadable file is an OSError, not ``media.decode``
    return _by_seeking(path) or _spread_excerpts(_decoded(path))


def _spread_excerpts(blocks: Iterable[Samples]) -> Excerpts:
    """Excerpts of a stream of unknown length: every n-th chunk of 30 s; n doubles when more than ``_KEPT`` are held."""
    kept: list[tuple[int, Samples]] = []
    held: list[Samples] = []
    size = index = total = 0
    stride = 1

    def close() -> None:
        nonlocal size, index, stride
        if held and index % stride == 0:
            kept.append((index, np.concatenate(held)))
        held.clear()
        size = 0
        index += 1
        if len(kept) > _KEPT:
            stride *= 2
            kept[:] = [chunk for chunk in kept if chunk[0] % stride == 0]

    for block in blocks:
        total += len(block)
        while len(block):
            part, block = block[: _EXCERPT - size], block[_EXCERPT - size :]
            if index % stride == 0:
                held.append(part)
            size += len(part)
            if size == _EXCERPT:
                close()
    if size:
        close()
    chunks = [chunk for _, chunk in kept]
    if len(chunks) > 1 and len(chunks[-1]) < _EXCERPT * 2 // 3 and total > EXCERPTS * _EXCERPT:
        chunks.pop()
    if len(chunks) > EXCERPTS:
        chunks = [chunks[(2 * n + 1) * len(chunks) // (2 * EXCERPTS)] for n in range(EXCERPTS)]
    return Excerpts(tuple(chunks), total / RATE)


def _resampled(source: PCM) -> Iterator[Samples]:
    """A stream's blocks with at most two channels at ``RATE``; samples that are not finite become 0."""
    import av

    if not 1000 <= source.rate <= 768_000:
        raise InputError("media.unsupported", reason="rate", rate=source.rate)
    resampler: Any = None
    channels = 0
    for block in source.blocks:
        samples = np.asarray(block, dtype=np.float32)
        samples = samples[:, None] if samples.ndim == 1 else samples
        if samples.ndim != 2 or not samples.shape[1]:
            raise InputError("media.unsupported", reason="blocks of frames and channels wanted")
        if samples.shape[1] > 2:
            samples = np.repeat(samples.mean(axis=1, keepdims=True), 2, axis=1)
        if resampler is None:
            channels = samples.shape[1]
            resampler = av.AudioResampler(format="flt", layout=_LAYOUTS[channels], rate=RATE)
        elif samples.shape[1] != channels:
            raise InputError("media.unsupported", reason="the number of channels changes")
        for start in range(0, len(samples), source.rate):
            part = np.ascontiguousarray(_bounded(samples[start : start + source.rate])).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, format="flt", layout=_LAYOUTS[channels])
            frame.sample_rate = source.rate
            yield from _resample(resampler, frame, channels)
    if resampler is not None:
        yield from _resample(resampler, None, channels)


def _resample(resampler: Any, frame: AudioFrame | None, channels: int) -> Iterator[Samples]:
    """Output of the resampler for a frame; None flushes it."""
    import av

    try:
        out = resampler.resample(frame)
    except (av.FFmpegError, ValueError) as e:
        if frame is None:
            return
        raise InputError("media.unsupported", reason=e) from None
    for piece in out:
        yield _bounded(piece.to_ndarray().reshape(-1, channels))


def _bounded(samples: Samples) -> Samples:
    return np.clip(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0), -4.0, 4.0)


class _AudioFile:
    """An open file and its first audio stream; a context manager."""

    def __init__(self, path: Path) -> None:
        import av

        from audio.downmix import Downmix, plain_layout
        from audio.source import open_container, open_patched

        with ExitStack() as stack:
            try:
                self.container: Any = stack.enter_context(open_container(stack.enter_context(open_patched(path))))
            except (av.FFmpegError, ValueError) as e:
                raise InputError("media.decode", file=path.name, reason=e) from None
            streams = self.container.streams.audio
            context = streams[0].codec_context if streams else None
            if context is None or not context.rate or not 0 < context.channels <= 64 or context.format is None:
                raise InputError("media.decode", file=path.name, reason="no audio in this file")
            self._downmix = None if plain_layout(context.layout) else Downmix(context.layout)
            self._stack = stack.pop_all()
        self.stream: Any = streams[0]
        self.channels = 1 if context.channels == 1 else 2
        declared: Any = self.stream.duration
        self.seconds: float | None = float(declared * self.stream.time_base) if declared and declared > 0 else None
        if self.seconds is None and self.container.duration and self.container.duration > 0:
            self.seconds = self.container.duration / av.time_base

    def __enter__(self) -> _AudioFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def seek(self, second: float) -> None:
        """Seek near a time in s. Raises FFmpegError."""
        self.container.seek((self.stream.start_time or 0) + int(second / self.stream.time_base), stream=self.stream)

    def blocks(self) -> Iterator[Samples]:
        """Samples from here to the end, at ``RATE``; packets that do not decode are skipped, as by players."""
        import av

        resampler = av.AudioResampler(format="flt", layout=_LAYOUTS[self.channels], rate=RATE)
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets, None)
                frames: list[AudioFrame] = packet.decode() if packet is not None else []
            except av.FFmpegError:
                continue
            for frame in frames:
                if self._downmix is not None:
                    frame = self._downmix.mix(frame)
                frame.pts = None
                yield from _resample(resampler, frame, self.channels)
            if packet is None:
                yield from _resample(resampler, None, self.channels)
                return


def _by_seeking(path: Path) -> Excerpts | None:
    """Three excerpts by seeking; None where the length is unknown or at most 90 s, or the file is not seekable."""
    import av

    with _AudioFile(path) as file:
        if file.seconds is None or file.seconds <= EXCERPTS * EXCERPT_S:
            return None
        excerpts = []
        for n in range(EXCERPTS):
            try:
                file.seek((2 * n + 1) * file.seconds / (2 * EXCERPTS) - EXCERPT_S / 2)
            except av.FFmpegError:
                return None
            excerpt = _take(file.blocks())
            if len(excerpt) < _EXCERPT // 2:
                return None  # shorter than declared
            excerpts.append(excerpt)
        return Excerpts(tuple(excerpts), file.seconds)


def _take(blocks: Iterator[Samples]) -> Samples:
    held, size = [], 0
    for block in blocks:
        held.append(block)
        size += len(block)
        if size >= _EXCERPT:
            break
    return np.concatenate(held)[:_EXCERPT] if held else np.zeros((0, 1), np.float32)


def _decoded(path: Path) -> Iterator[Samples]:
    with _AudioFile(path) as file:
        has_sound = False
        for block in file.blocks():
            has_sound = has_sound or len(block) > 0
            yield block
        if not has_sound:
            raise InputError("media.decode", file=path.name, reason="no sound in this file")
