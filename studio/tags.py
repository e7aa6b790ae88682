"""What a recording says of itself: names, numbers and its cover, read with suspicion."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from pywallet.errors import InputError

TEXT: Final = 500
MAX_ARTWORK: Final = 8 << 20
"""Bytes; a larger picture is left out."""
_ISRC: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_KINDS: Final = (
    (b"\xff\xd8\xff", "image/jpeg", ".jpg"),
    (b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
    (b"GIF8", "image/gif", ".gif"),
)


@dataclass(frozen=True)
class Artwork:
    """A cover picture's bytes, media type and file ending."""

    data: bytes
    mime: str
    suffix: str

    @property
    def sha256(self) -> bytes:
        """What the header says of it."""
        return sha256(self.data).digest()


def artwork(data: bytes) -> Artwork | None:
    """The picture these bytes begin as, by their first bytes and never by their name; None for anything else."""
    if not 0 < len(data) <= MAX_ARTWORK:
        return None
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Artwork(data, "image/webp", ".webp")
    return next((Artwork(data, mime, suffix) for start, mime, suffix in _KINDS if data.startswith(start)), None)


def load_artwork(path: Path) -> Artwork:
    """A picture file. Raises InputError ``message.schema``; OSError."""
    found = artwork(path.read_bytes()) if path.stat().st_size <= MAX_ARTWORK else None
    if found is None:
        raise InputError("message.schema", field="artwork", reason="a JPEG, PNG, GIF or WebP of at most 8 MiB")
    return found


def clean(text: str | None) -> str:
    """A tag as the header takes it: printable, on one line, at most 500 characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text or "").split())[:TEXT]


def isrc(text: str) -> str:
    """An ISRC (ISO 3901) without its hyphens. Raises InputError ``message.schema``."""
    plain = text.replace("-", "").replace(" ", "").upper().removeprefix("ISRC")
    if not _ISRC.fullmatch(plain):
        raise InputError("message.schema", field="isrc", reason="two letters, three letters or digits, seven digits")
    return plain


def tagged_isrc(tags: Mapping[str, str]) -> str | None:
    """The ISRC in a recording's tags; a malformed one is no reason to refuse the music."""
    for name in ("isrc", "tsrc", "----:com.apple.itunes:isrc"):
        try:
            return isrc(tags.get(name, ""))
        except InputError:
            continue
    return None
