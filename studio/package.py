"""Frames in, FLAC segments out: fragmented MP4 cut exactly every two seconds (docs/format)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from av.audio.frame import AudioFrame

from pywallet.errors import GomaaError
from studio.audio import Sound
from studio.boxes import Cutter, timing

SEGMENT_S: Final = 2
MIME: Final = 'audio/mp4; codecs="flac"'
_PEAKS_PER_FRAME: Final = 5
_MOST_PEAKS: Final = 1 << 15
"""Twenty milliseconds each for eleven minutes; of a longer recording every peak stands for more."""
_LEVEL: Final = "5"


class Packager:
    """One pass over a recording. ``init`` is there once the first segment is; ``samples`` and ``waveform()`` at the end."""

    def __init__(self, sound: Sound) -> None:
        self.sound = sound
        self.samples = 0
        self.segment_samples = sound.rate * SEGMENT_S
        self._peaks, self._pending, self._stride = bytearray(), bytearray(), 1
        self._sink = Cutter()

    @property
    def init(self) -> bytes:
        """``ftyp`` and ``moov``."""
        return self._sink.init

    def segments(self, frames: Iterable[AudioFrame]) -> Iterator[tuple[bytes, int]]:
        """Each segment's bytes and samples, in order; memory holds one of them."""
        sound, index = self.sound, 0
        flags = "+empty_moov+default_base_moof+skip_sidx+skip_trailer"
        options = {"movflags": flags, "frag_duration": str(SEGMENT_S * 1_000_000), "strict": "-2"}
        container: Any = av.open(self._sink, "w", format="mp4", options=options)
        stream = container.add_stream("flac", rate=sound.rate)
        context = stream.codec_context
        context.format, context.layout, context.time_base = sound.format, sound.layout, Fraction(1, sound.rate)
        wide = {"bits_per_raw_sample": "24"} if sound.bits == 24 else {}
        context.options = {"frame_size": str(sound.frame), "compression_level": _LEVEL, **wide}
        for frame in frames:
            self._look(frame)
            frame.pts, frame.time_base = self.samples, Fraction(1, sound.rate)
            self.samples += frame.samples
            container.mux(stream.encode(frame))
            for segment in self._sink.take():
                yield segment, self._check(segment, index)
                index += 1
        container.mux(stream.encode(None))
        container.close()
        for segment in self._sink.take():
            yield segment, self._check(segment, index)
            index += 1

    def waveform(self, buckets: int = 1000) -> bytes:
        """Peaks, 0 to 255, in at most ``buckets`` equal parts."""
        peaks = np.frombuffer(bytes(self._peaks) + (bytes([max(self._pending)]) if self._pending else b""), dtype=np.uint8)
        if len(peaks) <= buckets:
            return peaks.tobytes()
        edges = np.arange(buckets) * len(peaks) // buckets
        return np.maximum.reduceat(peaks, edges).tobytes()

    def _look(self, frame: AudioFrame) -> None:
        values = np.abs(frame.to_ndarray().reshape(-1, self.sound.channels).astype(np.int64)).max(axis=1)
        values >>= 7 if self.sound.bits == 16 else 23
        width = -(-self.sound.frame // _PEAKS_PER_FRAME)
        for at in range(0, len(values), width):
            self._pending.append(min(255, int(values[at : at + width].max())))
            if len(self._pending) == self._stride:
                self._peaks.append(max(self._pending))
                self._pending.clear()
        if len(self._peaks) >= _MOST_PEAKS:
            pairs = np.frombuffer(bytes(self._peaks[: len(self._peaks) // 2 * 2]), dtype=np.uint8).reshape(-1, 2)
            self._pending[:0] = self._peaks[len(pairs) * 2 :]
            self._peaks, self._stride = bytearray(pairs.max(axis=1).tobytes()), self._stride * 2

    def _check(self, segment: bytes, index: int) -> int:
        start, samples = timing(segment)
        if start != index * self.segment_samples or samples > self.segment_samples:
            raise GomaaError("internal", reason="a segment is cut in the wrong place", segment=index, start=start, samples=samples)
        return samples
