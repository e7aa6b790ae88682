"""Tags of a recording: names, ISRC and cover, from every kind of tag, with notes on changes."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
from tinytag import TinyTag

from audio import riff
from pywallet.errors import InputError
from studio.text import file_stem, legacy, line, relabelled

UNKNOWN_ARTIST: Final = "Unknown artist"
MAX_ARTWORK: Final = 8 << 20
"""Bytes; a larger picture is left out."""
_MOST_PIXELS: Final = 100_000_000
_ISRC: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_BETWEEN_CODES: Final = re.compile(r"[;,/|\0\n]+")
_KINDS: Final = (
    (b"\xff\xd8\xff", "image/jpeg", ".jpg"),
    (b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
    (b"GIF8", "image/gif", ".gif"),
)
_FIELDS: Final = {
    "title": ("title",),
    "artist": ("artist",),
    "album_artist": ("album_artist", "albumartist", "album artist"),
    "album": ("album",),
    "genre": ("genre",),
    "isrc": ("isrc", "tsrc", "----:com.apple.itunes:isrc"),
}
_INFO: Final = {"INAM": "title", "IART": "artist", "IPRD": "album", "IGNR": "genre", "ISRC": "isrc"}
_LATIN: Final = frozenset({"mp3", "wav", "aiff", "aac", "tta"})
"""Containers whose tags (ID3, INFO) are often mislabelled as Latin-1."""
_STREAM_TAGS: Final = frozenset({"ogg"})
"""Containers whose tags are the stream's.

Elsewhere a stream's title is the name of a track ("Stereo"), not of the song.
"""
_CUT: Final = 28
"""Characters from which a prefix of another text counts as that text truncated (ID3v1 keeps 30 bytes)."""
_RANKS: Final = {"Cover (front)": 0, "": 1, "Other": 1, "32x32 pixels 'file icon'": 3, "Other file icon": 3}


@dataclass(frozen=True)
class Artwork:
    """A cover picture's bytes, media type and file ending."""

    data: bytes
    mime: str
    suffix: str

    @property
    def sha256(self) -> bytes:
        """The hash in the header, 32 bytes."""
        return sha256(self.data).digest()


@dataclass(frozen=True)
class TagValues:
    """Texts of the tags by field, best first, and notes on texts with a wrong encoding label."""

    values: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Names:
    """Names for the header, and notes on every change."""

    title: str
    artist: str
    album: str
    genre: str
    isrc: str | None
    notes: tuple[str, ...]


def artwork(data: bytes) -> Artwork | None:
    """A picture recognised by its first bytes; None for other data."""
    if not 0 < len(data) <= MAX_ARTWORK:
        return None
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Artwork(data, "image/webp", ".webp")
    return next((Artwork(data, mime, suffix) for start, mime, suffix in _KINDS if data.startswith(start)), None)


def readable(picture: Artwork) -> bool:
    """Whether the picture decodes. An animated WebP, which FFmpeg does not read, counts as readable."""
    if picture.mime == "image/webp" and picture.data[12:16] == b"VP8X" and picture.data[20:21] and picture.data[20] & 2:
        return True
    try:
        with av.open(io.BytesIO(picture.data), "r") as container:
            stream = container.streams.video[0]
            if not 0 < stream.codec_context.width * stream.codec_context.height <= _MOST_PIXELS:
                return False
            stream.codec_context.options = {"err_detect": "explode"}
            return next(container.decode(stream), None) is not None
    except (av.FFmpegError, ValueError, IndexError):
        return False


def load_artwork(path: Path) -> Artwork:
    """Read a picture file.

    Raises:
        InputError: ``message.schema``.
        OSError: The file cannot be read.
    """
    picture = artwork(path.read_bytes()) if path.stat().st_size <= MAX_ARTWORK else None
    if picture is None or not readable(picture):
        raise InputError("message.schema", field="artwork", reason="a JPEG, PNG, GIF or WebP of at most 8 MiB")
    return picture


def cover(pictures: Iterable[tuple[str, bytes]]) -> tuple[Artwork | None, list[str]]:
    """The best readable picture, the front cover first, and notes on pictures left out.

    Args:
        pictures: Type as named by FFmpeg, and bytes.
    """
    notes: list[str] = []
    for _, data in sorted(pictures, key=lambda pair: _RANKS.get(pair[0], 2)):
        picture = artwork(data)
        if picture is not None and readable(picture):
            return picture, notes
        size = f"{len(data) / (1 << 20):.1f} MiB" if len(data) > MAX_ARTWORK else "no picture that can be read"
        notes.append(f"cover: left out ({size})")
    return None, notes


def clean(text: str | None) -> str:
    """A text normalised for the header (``studio.text.line``)."""
    return line(text or "").text


def isrc(text: str) -> str:
    """An ISRC (ISO 3901) without hyphens.

    Raises:
        InputError: ``message.schema``.
    """
    plain = text.replace("-", "").replace(" ", "").upper().removeprefix("ISRC").removeprefix(":")
    if not _ISRC.fullmatch(plain):
        raise InputError("message.schema", field="isrc", reason="two letters, three letters or digits, seven digits")
    return plain


def read(file: BinaryIO, container: Any) -> TagValues:
    """Read the tags of an open recording.

    ID3, APEv2, Vorbis comments, MP4 and INFO have their own readers; FFmpeg reads everything else. Tags of the
    container come before those of a stream, ID3 before INFO.

    Args:
        file: The recording's bytes, seekable.
        container: PyAV's input over the same bytes, opened with ``metadata_errors="surrogateescape"``.
    """
    kinds = set(container.format.name.split(","))
    values: dict[str, list[str]] = {field: [] for field in _FIELDS}
    notes: list[str] = []

    def add(field: str, text: str, labelled: bool) -> None:
        better = text
        if any("\ud800" <= c <= "\udfff" for c in text):
            better = legacy(text.encode("utf-8", "surrogateescape"))
            notes.append(f"{field}: not in the encoding of these tags, read as Windows-1252")
        elif labelled and (better := relabelled(text)) != text:
            notes.append(f"{field}: labelled Latin-1, read as UTF-8 or Windows-1252")
        better = better.lstrip("\ufeff").strip(" \0\t\r\n")
        kept = values[field]
        if better and not any(text.startswith(better) and (text == better or len(better) >= _CUT) for text in kept):
            kept[:] = [text for text in kept if not (better.startswith(text) and len(text) >= _CUT)]
            kept.append(better)

    info = {_INFO[name]: data for name, data in riff.info(file).items() if name in _INFO}
    shown = {
        text
        for data in info.values()
        for text in (data.decode("utf-8", "replace").strip(), data.decode("latin-1").strip())
    }
    for name, texts in {**_by_tinytag(file), **(_ape(file) if "mp3" in kinds else {})}.items():
        for field, names in _FIELDS.items():
            for text in texts if name in names else ():
                if "\ufffd" not in text and text.strip() not in shown:
                    add(field, text, bool(kinds & _LATIN))
    stream = container.streams.audio[0].metadata
    for tags in (
        container.metadata,
        stream if kinds & _STREAM_TAGS else {k: v for k, v in stream.items() if k.lower() != "title"},
    ):
        for name, text in tags.items():
            for field, names in _FIELDS.items():
                # FFmpeg merges INFO and ID3 and joins repeats, so its values are a last resort.
                if name.lower() in names and not values[field] and field not in info:
                    add(field, text, False)
    for field, data in info.items():
        if not values[field]:
            text = legacy(data)
            add(field, text, False)
            if text.encode("utf-8") != data:
                notes.append(f"{field}: not UTF-8, read as Windows-1252")
    return TagValues({field: tuple(texts) for field, texts in values.items()}, tuple(dict.fromkeys(notes)))


def names(tag_values: TagValues, stem: str, options: Mapping[str, str | None]) -> Names:
    """Choose the header's names.

    Args:
        tag_values: The tags.
        stem: The file's name without ending; the last resort for the title.
        options: Names given by the user (title, artist, album, genre, isrc); they take precedence.

    Raises:
        InputError: ``message.schema``: a malformed ISRC in the options; one in the tags is left out with a note.
    """
    notes = list[str]()

    def take(field: str, text: str) -> str:
        out = line(text)
        notes.extend(f"{field}: {change}" for change in out.changed)
        return out.text

    def tagged(field: str) -> str:
        texts = tag_values.values.get(field, ())
        first = next((text for text in texts if clean(text)), "")
        if len(texts) > 1:
            notes.append(f"{field}: the tags have {len(texts)}, the first was taken")
        if first:
            notes.extend(note for note in tag_values.notes if note.startswith(f"{field}:"))
        return take(field, first)

    def people(field: str) -> str:
        notes.extend(note for note in tag_values.notes if note.startswith(f"{field}:"))
        return take(field, ", ".join(tag_values.values.get(field, ())))

    return Names(
        title=take("title", options.get("title") or "")
        or tagged("title")
        or take("title", file_stem(stem))
        or "Untitled",
        artist=take("artist", options.get("artist") or "")
        or people("artist")
        or people("album_artist")
        or UNKNOWN_ARTIST,
        album=take("album", options.get("album") or "") or tagged("album"),
        genre=take("genre", options.get("genre") or "") or tagged("genre"),
        isrc=isrc(options.get("isrc") or "") if options.get("isrc") else _tagged_isrc(tag_values, notes),
        notes=tuple(dict.fromkeys(notes)),
    )


def _tagged_isrc(tag_values: TagValues, notes: list[str]) -> str | None:
    """The first ISRC of the tags; notes name the others and malformed ones."""
    codes, strange = dict[str, None](), list[str]()
    for text in tag_values.values.get("isrc", ()):
        for part in _BETWEEN_CODES.split(text):
            try:
                codes[isrc(part)] = None
            except InputError:
                strange += [clean(part)] if clean(part) else []
    first, *others = codes or (None,)
    if others:
        notes.append(f"isrc: the tags have {len(codes)}, {first} was taken and {', '.join(map(str, others))} left out")
    if strange:
        notes.append(f"isrc: left out, not an ISRC: {', '.join(strange)[:80]}")
    return first


def _by_tinytag(file: BinaryIO) -> dict[str, list[str]]:
    """Tags read by tinytag, with repeats; {} where it fails."""
    file.seek(0)
    try:
        tag = TinyTag.get(file_obj=file, duration=False)
        fields = tag.as_dict()
    except Exception:  # broken tags must not make a recording unusable
        return {}
    out: dict[str, list[str]] = {}
    for name, value in fields.items():
        texts = value if isinstance(value, list) else [value]
        out.setdefault(name.lower(), []).extend(
            part for text in texts if isinstance(text, str) for part in text.split("\0")
        )
    return out


def _ape(file: BinaryIO) -> dict[str, list[str]]:
    """An APEv2 tag at the end of an MP3, before an ID3v1 tag or without one."""
    whole = file.seek(0, 2)
    for end in (whole, whole - 128):
        if end < 32:
            continue
        file.seek(end - 32)
        foot = file.read(32)
        if foot[:8] != b"APETAGEX":
            continue
        size, count = struct.unpack_from("<II", foot, 12)
        if not 32 <= size <= min(end, 16 << 20):
            return {}
        file.seek(end - size)
        return _ape_items(file.read(size - 32), count)
    return {}


def _ape_items(data: bytes, count: int) -> dict[str, list[str]]:
    out, at = dict[str, list[str]](), 0
    for _ in range(min(count, 1000)):
        if at + 8 > len(data):
            break
        size, flags = struct.unpack_from("<II", data, at)
        end = data.find(b"\0", at + 8)
        if end < 0 or end + 1 + size > len(data):
            break
        if flags & 6 == 0:
            name = data[at + 8 : end].decode("ascii", "replace").lower()
            out[name] = data[end + 1 : end + 1 + size].decode("utf-8", "replace").split("\0")
        at = end + 1 + size
    return out
