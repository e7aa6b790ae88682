"""Writes the payload of an SPS file (init segment, sealed segments) and computes the header's values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import IO, Final

from av.audio.frame import AudioFrame

from pywallet.sps import Rendition, Segment
from studio.audio import Recording
from studio.loudness import Loudness, LoudnessMeter
from studio.marking import Watermarker
from studio.owner import ContentKeys
from studio.package import MIME, SEGMENT_S, Packager
from studio.sealing import Sealer, content_key, epoch_of, key_epochs
from studio.waveform import Waveform

RENDITION: Final = 1

Progress = Callable[[float, float | None], None]
"""Called with the seconds written, and the recording's length (s) or None."""


class PayloadWriter:
    """Encodes, seals and writes the first rendition, in one pass over the recording.

    Args:
        recording: The open recording.
        file: The payload is appended here.
        keys: Content keys; missing key epochs are derived and added to a copy, ``self.keys``.
        owner_key: The owner's private key, 32 bytes.
        key_epoch_s: Length of a key epoch, s; None: one key epoch.
        layers: Watermark layers.
        every: Mark one block in so many.

    Attributes:
        keys: The content keys of all key epochs.
        loudness: Loudness of the written sound; set by ``write``.
        rendition: The header's table of the rendition; set by ``write``.
        watermark: The header's ``watermark``, or None.
    """

    def __init__(
        self,
        recording: Recording,
        file: IO[bytes],
        keys: ContentKeys,
        owner_key: bytes,
        *,
        key_epoch_s: int | None = None,
        layers: tuple[str, ...] = (),
        every: int = 1,
    ) -> None:
        sound = recording.sound
        self._recording, self._file, self._owner_key, self._key_epoch_s = recording, file, owner_key, key_epoch_s
        self.keys = ContentKeys(keys.content, keys.salt, dict(keys.keys))
        self._meter, self._peaks, self._packager = LoudnessMeter(sound), Waveform(sound), Packager(sound)
        self._marker = Watermarker(keys.content, sound, layers, every) if layers else None
        self.loudness = Loudness(None, None, None)
        self.rendition: Rendition
        self.watermark = self._marker.header if self._marker else None

    @property
    def waveform(self) -> bytes:
        """Peaks of the written sound, one byte per bucket, 0 to 255."""
        return self._peaks.result()

    def write(self, progress: Progress | None) -> None:
        """Write all segments."""
        sound, packager = self._recording.sound, self._packager
        sealer = Sealer(self.keys, RENDITION)
        rows: list[Segment] = []
        for clear, samples in packager.segments(self._frames()):
            index = len(rows)
            if index == 0:
                self._file.write(packager.init)
                sealer.follow(packager.init)
            epoch = epoch_of(index, SEGMENT_S, self._key_epoch_s)
            if epoch not in self.keys.keys:
                self.keys.keys[epoch] = content_key(self._owner_key, self.keys.salt, self.keys.content, epoch)
            sealed = sealer.seal(index, epoch, clear)
            self._file.write(sealed)
            rows.append(Segment(len(sealed), samples, sha256(sealed).digest()))
            if progress is not None:
                progress(packager.samples / sound.rate, self._recording.seconds)
        self.loudness = self._meter.result()
        self.rendition = Rendition(
            id=RENDITION,
            codec="flac",
            mime=MIME,
            rate=sound.rate,
            channels=sound.channels,
            bits=sound.bits,
            samples=packager.samples,
            segment_samples=packager.segment_samples,
            init_size=len(packager.init),
            init_sha256=sha256(packager.init).digest(),
            segments=tuple(rows),
            key_epochs=key_epochs(len(rows), SEGMENT_S, self._key_epoch_s),
        )

    def _frames(self) -> Iterable[AudioFrame]:
        frames: Iterable[AudioFrame] = self._recording.frames()
        for frame in self._marker.frames(frames) if self._marker else frames:
            self._meter.add(frame)
            self._peaks.add(frame)
            yield frame
