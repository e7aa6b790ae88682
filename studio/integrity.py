"""Detection of missing sound in a decoded stream: packets that do not decode, and gaps between time stamps."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from av.audio.frame import AudioFrame

from pywallet.errors import InputError

_GAP_S: Final = Fraction(15, 1000)
"""Smallest gap that counts as lost sound: shorter than a packet of any codec, longer than rounding to milliseconds."""
_BY_BYTES: Final = frozenset({"mp3", "aac", "ac3", "eac3", "dts", "loas"})
"""Formats without time stamps: FFmpeg interpolates them from byte positions."""
_TAGS: Final = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN")


@dataclass
class Integrity:
    """Checks a recording's decoded frames in order.

    Damage before the first frame and after the last one is tolerated, with a note.
    """

    kinds: frozenset[str]
    """FFmpeg's names of the container."""
    notes: list[str] = field(default_factory=list)
    heard: bool = False
    _until: Fraction | None = None
    _seconds: Fraction = Fraction(0)
    _broken: bool = False
    _lost: int = 0

    def failed(self, data: bytes) -> None:
        """Report a packet that did not decode, or could not be read (no bytes); tags between frames are ignored."""
        if not data.startswith(_TAGS) and b"APETAGEX" not in data:
            self._broken = True
            self._lost += len(data)

    def frame(self, frame: AudioFrame, flushed: bool = False) -> None:
        """Report a decoded frame.

        Args:
            frame: The frame.
            flushed: True for a frame that the decoder returned at the end of the stream.

        Raises:
            InputError: ``media.decode``: sound before the frame is missing.
        """
        if self._broken and not flushed:
            if self.heard:
                raise self._missing("damaged in the middle")
            if self._lost:
                self.notes.append(f"{self._lost} bytes before the first sound could not be decoded and are left out")
            self._broken, self._lost = False, 0
        length = Fraction(frame.samples, frame.sample_rate)
        if frame.pts is not None and frame.time_base is not None:
            begin = frame.pts * frame.time_base
            if (
                self._until is not None
                and not self.kinds & _BY_BYTES
                and begin - self._until > _GAP_S + frame.time_base
            ):
                raise self._missing("sound is missing in the middle", missing_s=round(float(begin - self._until), 2))
            self._until = begin + length
        elif self._until is not None:
            self._until += length
        self._seconds += length
        self.heard = self.heard or frame.samples > 0

    def end(self) -> bool:
        """Report the end of the file; returns True if packets after the last frame did not decode."""
        if self._lost and self.heard:
            self.notes.append(f"{self._lost} bytes after the last sound could not be decoded and are left out")
        return self._broken

    def _missing(self, what: str, **detail: object) -> InputError:
        return InputError(
            "media.decode",
            reason=f"{what}; use another copy, or export it again",
            **detail,
            at_s=round(float(self._seconds), 2),
        )
