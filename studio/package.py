"""FLAC encoder: frames to fragmented MP4, cut exactly every 2 s (docs/format)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, Final

import av
from av.audio.frame import AudioFrame

from pywallet.errors import GomaaError
from studio.audio import SampleFormat
from studio.fragments import FragmentSink, timing

SEGMENT_S: Final = 2
MIME: Final = 'audio/mp4; codecs="flac"'
_LEVEL: Final = "5"


class Packager:
    """Encodes one recording; ``init`` is valid from the first segment on, ``samples`` after the last one."""

    def __init__(self, sound: SampleFormat) -> None:
        self.sound = sound
        self.samples = 0
        self.segment_samples = sound.rate * SEGMENT_S
        self._sink = FragmentSink()

    @property
    def init(self) -> bytes:
        """The init segment: ``ftyp`` and ``moov``."""
        return self._sink.init

    def segments(self, frames: Iterable[AudioFrame]) -> Iterator[tuple[bytes, int]]:
        """Yield each segment's bytes and number of samples, in order."""
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

    def _check(self, segment: bytes, index: int) -> int:
        start, samples = timing(segment)
        if start != index * self.segment_samples or samples > self.segment_samples:
            raise GomaaError(
                "internal", reason="a segment is cut in the wrong place", segment=index, start=start, samples=samples
            )
        return samples
