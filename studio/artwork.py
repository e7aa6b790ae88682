"""Cover pictures: formats, size limit, and the choice among a recording's attached pictures."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import av

from pywallet.errors import InputError

MAX_COVER: Final = 8 << 20
"""Largest cover that is kept, bytes."""
_MAX_PIXELS: Final = 100_000_000
_SIGNATURES: Final = (
    (b"\xff\xd8\xff", "image/jpeg", ".jpg"),
    (b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
    (b"GIF8", "image/gif", ".gif"),
)
_RANKS: Final = {"Cover (front)": 0, "": 1, "Other": 1, "32x32 pixels 'file icon'": 3, "Other file icon": 3}
"""Preference by picture type (FFmpeg's name), lowest first; other types have 2."""


@dataclass(frozen=True)
class CoverPicture:
    """A cover: encoded bytes, media type and file suffix."""

    data: bytes
    mime: str
    suffix: str

    @property
    def sha256(self) -> bytes:
        """The hash in the header, 32 bytes."""
        return sha256(self.data).digest()


def picture_of(data: bytes) -> CoverPicture | None:
    """The picture in ``data`` by its signature; None for other data and above ``MAX_COVER``."""
    if not 0 < len(data) <= MAX_COVER:
        return None
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return CoverPicture(data, "image/webp", ".webp")
    matches = (CoverPicture(data, mime, suffix) for start, mime, suffix in _SIGNATURES if data.startswith(start))
    return next(matches, None)


def is_readable(picture: CoverPicture) -> bool:
    """True if the picture decodes. An animated WebP, which FFmpeg does not read, counts as readable."""
    if picture.mime == "image/webp" and picture.data[12:16] == b"VP8X" and picture.data[20:21] and picture.data[20] & 2:
        return True
    try:
        with av.open(io.BytesIO(picture.data), "r") as container:
            stream = container.streams.video[0]
            if not 0 < stream.codec_context.width * stream.codec_context.height <= _MAX_PIXELS:
                return False
            stream.codec_context.options = {"err_detect": "explode"}
            return next(container.decode(stream), None) is not None
    except (av.FFmpegError, ValueError, IndexError):
        return False


def load_cover(path: Path) -> CoverPicture:
    """Read a picture file.

    Raises:
        InputError: ``message.schema``: not a readable picture of a supported format, or too large.
        OSError: The file cannot be read.
    """
    picture = picture_of(path.read_bytes()) if path.stat().st_size <= MAX_COVER else None
    if picture is None or not is_readable(picture):
        raise InputError("message.schema", field="artwork", reason="a JPEG, PNG, GIF or WebP of at most 8 MiB")
    return picture


def best_cover(pictures: Iterable[tuple[str, bytes]]) -> tuple[CoverPicture | None, list[str]]:
    """The preferred readable picture (the front cover first), and notes on pictures left out.

    Args:
        pictures: FFmpeg's name of the type, and the encoded bytes, of each attached picture.
    """
    notes: list[str] = []
    for _, data in sorted(pictures, key=lambda pair: _RANKS.get(pair[0], 2)):
        picture = picture_of(data)
        if picture is not None and is_readable(picture):
            return picture, notes
        size = f"{len(data) / (1 << 20):.1f} MiB" if len(data) > MAX_COVER else "no picture that can be read"
        notes.append(f"cover: left out ({size})")
    return None, notes
