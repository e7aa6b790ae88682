"""Input of the readers: any audio file at 44.1 or 48 kHz, as the mean of its channels, the channels, a difference."""

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

from audio.samples import to_floats
from audio.source import open_container, open_patched
from pywallet.errors import InputError
from watermark.parameters import MIN_RATE, MIN_RATE_INBAND

MAX_CHANNELS: Final = 8
"""Most channels that are views of their own; further ones are in the mean only."""


def channel_views(samples: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """The signals in which a watermark is searched.

    The mean of all channels first; then, for more than one, each channel and half the difference of the first two. An
    inverted channel cancels the watermark in the mean; a joint-stereo codec may keep it in the difference only. For
    equal channels the mean is enough, and the other views are zero.

    Args:
        samples: Shape (samples, channels).

    Returns:
        Shape (samples, views).
    """
    mean = samples.mean(axis=1, keepdims=True)
    if samples.shape[1] == 1:
        return np.asarray(mean, np.float32)
    each = samples[:, :MAX_CHANNELS]
    out = np.concatenate([mean, each, (samples[:, :1] - samples[:, 1:2]) / 2], axis=1).astype(np.float32)
    if bool((samples == samples[:, :1]).all()):
        out[:, 1:] = 0
    return out


class SampleSource:
    """An open audio file; a context manager.

    Args:
        source: Path, or a binary stream.

    Attributes:
        rate: Sample rate of the file, Hz.
        channels: Channels of the file.
        working_rate: Rate of the blocks, Hz: 44,100 up to that rate, else 48,000.
        view_count: Columns of the blocks.
        ultrasonic: True if the file's rate can carry the ultrasonic layer.

    Raises:
        InputError: ``media.decode``, ``media.unsupported``.
    """

    def __init__(self, source: Path | str | BinaryIO) -> None:
        with ExitStack() as stack:
            # A missing or unreadable file is an OSError, not ``media.decode``.
            target: Any = stack.enter_context(open_patched(Path(source))) if isinstance(source, (Path, str)) else source
            try:
                self._container: Any = open_container(target)
            except (av.FFmpegError, ValueError, OSError) as e:
                raise InputError("media.decode", reason=e) from None
            stack.callback(self._container.close)
            self._read_stream()
            self._stack = stack.pop_all()

    def _read_stream(self) -> None:
        self._stream = next(iter(self._container.streams.audio), None)
        context = self._stream.codec_context if self._stream is not None else None
        if context is None or not context.rate or not context.channels:
            raise InputError("media.decode", reason="no audio in this file")
        self.rate: int = context.rate
        self.channels: int = context.channels
        self.view_count = 1 if self.channels == 1 else min(self.channels, MAX_CHANNELS) + 2
        if self.rate < MIN_RATE_INBAND:
            raise InputError(
                "media.unsupported", reason=f"{self.rate} Hz: neither mark fits; it takes {MIN_RATE_INBAND} Hz or more"
            )
        self.ultrasonic = self.rate >= MIN_RATE
        self.working_rate = 44_100 if self.rate <= 44_100 else 48_000

    def __enter__(self) -> SampleSource:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Samples of full scale 1, shape (samples, ``view_count``); a truncated file is read up to its end."""
        resamplers = [
            AudioResampler(format="flt", layout="mono", rate=self.working_rate) for _ in range(self.view_count)
        ]
        heard = False
        try:
            for frame in self._frames():
                block = channel_views(to_floats(frame))
                if block.shape[1] != self.view_count:
                    raise InputError("media.unsupported", reason="the number of channels changes")
                heard = heard or len(block) > 0
                if self.rate == self.working_rate:
                    yield block
                    continue
                parts = [resampler.resample(self._frame(block[:, k])) for k, resampler in enumerate(resamplers)]
                yield from self._joined(parts)
            if not heard:
                raise InputError("media.decode", reason="no sound in this file")
            if self.rate != self.working_rate:
                yield from self._joined([resampler.resample(None) for resampler in resamplers])
        except av.EOFError:
            return
        except (av.FFmpegError, ValueError) as e:
            raise InputError("media.decode", reason=e) from None

    @staticmethod
    def _joined(parts: list[Any]) -> Iterator[NDArray[np.float32]]:
        """The resampled frames of all views as columns."""
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
                continue  # a packet that does not decode is skipped
            if packet is None:
                return
            yield from frames
