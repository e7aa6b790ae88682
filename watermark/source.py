"""Any audio file, or standard input, as mono samples at a rate the readers know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from pywallet.errors import InputError
from watermark.parameters import MIN_RATE, MIN_RATE_INBAND
from watermark.samples import plain


class Source:
    """A file that is being read; a context manager. Raises InputError ``media.decode``, ``media.unsupported``.

    ``rate`` is the file's own, ``working`` the one of the samples given: 44.1 kHz up to that rate, else 48 kHz.
    """

    def __init__(self, source: Path | str | BinaryIO) -> None:
        target = str(source) if isinstance(source, (Path, str)) else source
        if isinstance(source, (Path, str)):
            with Path(source).open("rb"):
                pass  # a missing or forbidden file is an OSError, not a matter of audio
        try:
            self._container: Any = av.open(target, "r", metadata_errors="replace")
        except (av.FFmpegError, ValueError, OSError) as e:
            raise InputError("media.decode", reason=e) from None
        try:
            self._stream = next(iter(self._container.streams.audio), None)
            context = self._stream.codec_context if self._stream is not None else None
            if context is None or not context.rate or not context.channels:
                raise InputError("media.decode", reason="no audio in this file")
            self.rate: int = context.rate
            self.channels: int = context.channels
            if self.rate < MIN_RATE_INBAND:
                raise InputError("media.unsupported", reason=f"{self.rate} Hz: neither mark fits; it takes {MIN_RATE_INBAND} Hz or more")
        except BaseException:
            self._container.close()
            raise
        self.ultrasonic = self.rate >= MIN_RATE
        """Whether this rate can carry the layer above 20 kHz at all."""
        self.working = 44_100 if self.rate <= 44_100 else 48_000

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Mono samples of full scale 1: the mean of the channels. What ends early is read up to there."""
        resampler = AudioResampler(format="flt", layout="mono", rate=self.working) if self.rate != self.working else None
        heard = False
        try:
            for frame in self._frames():
                mono = np.asarray(plain(frame).mean(axis=1), np.float32)
                heard = heard or len(mono) > 0
                if resampler is None:
                    yield mono
                    continue
                for out in resampler.resample(self._frame(mono)):
                    yield np.asarray(out.to_ndarray(), np.float32).reshape(-1)
            if not heard:
                raise InputError("media.decode", reason="no sound in this file")
            for out in resampler.resample(None) if resampler else ():
                yield np.asarray(out.to_ndarray(), np.float32).reshape(-1)
        except av.EOFError:
            return
        except (av.FFmpegError, ValueError) as e:
            raise InputError("media.decode", reason=e) from None

    def _frame(self, mono: NDArray[np.float32]) -> AudioFrame:
        frame = AudioFrame.from_ndarray(mono.reshape(1, -1), format="flt", layout="mono")
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
