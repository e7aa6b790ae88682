"""Any audio file, or standard input, at a rate the readers know: its channels, their sum and their difference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from audio.samples import plain
from audio.source import open_container, opened
from pywallet.errors import InputError
from watermark.parameters import MIN_RATE, MIN_RATE_INBAND

MOST_CHANNELS: Final = 8
"""Channels that are looked at one by one; further ones are in the sum only."""


def views(samples: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Frames of several channels, shape (frames, channels), as what a mark is looked for in, shape (frames, views).

    The mean of all channels first; then, for more than one, each channel and half the difference of the first two. A
    channel that was inverted cancels the mark in the mean, a joint-stereo codec keeps it in sum or difference. Channels
    that are alike
    have it in their mean already: the other views are silent then.
    """
    mean = samples.mean(axis=1, keepdims=True)
    if samples.shape[1] == 1:
        return np.asarray(mean, np.float32)
    each = samples[:, :MOST_CHANNELS]
    out = np.concatenate([mean, each, (samples[:, :1] - samples[:, 1:2]) / 2], axis=1).astype(np.float32)
    if bool((samples == samples[:, :1]).all()):
        out[:, 1:] = 0
    return out


class SampleSource:
    """A file that is being read; a context manager. Raises InputError ``media.decode``, ``media.unsupported``.

    ``rate`` is the file's own, ``working`` the one of the samples given: 44.1 kHz up to that rate, else 48 kHz.
    ``views`` is the number of columns of the samples given.
    """

    def __init__(self, source: Path | str | BinaryIO) -> None:
        with ExitStack() as stack:
            # A missing or forbidden file is an OSError, not a matter of audio.
            target: Any = stack.enter_context(opened(Path(source))) if isinstance(source, (Path, str)) else source
            try:
                self._container: Any = open_container(target)
            except (av.FFmpegError, ValueError, OSError) as e:
                raise InputError("media.decode", reason=e) from None
            stack.callback(self._container.close)
            self._look()
            self._stack = stack.pop_all()

    def _look(self) -> None:
        self._stream = next(iter(self._container.streams.audio), None)
        context = self._stream.codec_context if self._stream is not None else None
        if context is None or not context.rate or not context.channels:
            raise InputError("media.decode", reason="no audio in this file")
        self.rate: int = context.rate
        self.channels: int = context.channels
        self.views = 1 if self.channels == 1 else min(self.channels, MOST_CHANNELS) + 2
        if self.rate < MIN_RATE_INBAND:
            raise InputError(
                "media.unsupported", reason=f"{self.rate} Hz: neither mark fits; it takes {MIN_RATE_INBAND} Hz or more"
            )
        self.ultrasonic = self.rate >= MIN_RATE
        """Whether this rate can carry the layer above 20 kHz at all."""
        self.working = 44_100 if self.rate <= 44_100 else 48_000

    def __enter__(self) -> SampleSource:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Samples of full scale 1, shape (samples, ``views``), see ``views``. What ends early is read up to there."""
        resamplers = [AudioResampler(format="flt", layout="mono", rate=self.working) for _ in range(self.views)]
        heard = False
        try:
            for frame in self._frames():
                block = views(plain(frame))
                if block.shape[1] != self.views:
                    raise InputError("media.unsupported", reason="the number of channels changes")
                heard = heard or len(block) > 0
                if self.rate == self.working:
                    yield block
                    continue
                parts = [one.resample(self._frame(block[:, k])) for k, one in enumerate(resamplers)]
                yield from self._joined(parts)
            if not heard:
                raise InputError("media.decode", reason="no sound in this file")
            if self.rate != self.working:
                yield from self._joined([one.resample(None) for one in resamplers])
        except av.EOFError:
            return
        except (av.FFmpegError, ValueError) as e:
            raise InputError("media.decode", reason=e) from None

    @staticmethod
    def _joined(parts: list[Any]) -> Iterator[NDArray[np.float32]]:
        """The same frames of every view, side by side."""
        for frames in zip(*parts, strict=True):
            yield np.stack([np.asarray(frame.to_ndarray(), np.float32).reshape(-1) for frame in frames], axis=1)

    def _frame(self, mono: NDArray[np.float32]) -> AudioFrame:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(mono).reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate = self.rate
        return frame

    def _frames(self) -> Iterator[Any]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                frames = packet.decode() if packet is not None else []
            except av.EOFError:
                return
            except av.FFmpegError:
                continue  # a broken packet costs what it held
            if packet is None:
                return
            yield from frames
