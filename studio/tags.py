"""Tags of a recording: title, artist, album, genre and ISRC from every tag format, with notes on changes."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from tinytag import TinyTag

from audio import riff
from pywallet.errors import InputError
from studio.text import decode_legacy, file_stem, fix_mislabelled, header_text

UNKNOWN_ARTIST: Final = "Unknown artist"
_ISRC: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_CODE_SEPARATORS: Final = re.compile(r"[;,/|\0\n]+")
_FIELDS: Final = {
    "title": ("title",),
    "artist": ("artist",),
    "album_artist": ("album_artist", "albumartist", "album artist"),
    "album": ("album",),
    "genre": ("genre",),
    "isrc": ("isrc", "tsrc", "----:com.apple.itunes:isrc"),
}
_INFO: Final = {"INAM": "title", "IART": "artist", "IPRD": "album", "IGNR": "genre", "ISRC": "isrc"}
_MISLABELLED: Final = frozenset({"mp3", "wav", "aiff", "aac", "tta"})
"""Containers whose tags (ID3, INFO) are often mislabelled as Latin-1."""
_STREAM_TAGS: Final = frozenset({"ogg"})
"""Containers whose song tags are the stream's; elsewhere a stream's title names a track ("Stereo"), not the song."""
_TRUNCATED: Final = 28
"""Shortest prefix, characters, that counts as another text truncated (ID3v1 keeps 30 bytes)."""


@dataclass(frozen=True)
class TagValues:
    """Texts of the tags by field, preferred first, and notes on texts with a wrong encoding label."""

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


def clean(text: str | None) -> str:
    """A text normalised for the header (``studio.text.header_text``)."""
    return header_text(text or "").text


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

    tinytag reads ID3, Vorbis comments and MP4, this package APEv2 and INFO, FFmpeg everything else. Tags of the
    container come before those of a stream, ID3 before INFO.

    Args:
        file: The recording's bytes, seekable.
        container: PyAV container of the same bytes, opened with ``metadata_errors="surrogateescape"``.
    """
    kinds = set(container.format.name.split(","))
    values: dict[str, list[str]] = {field: [] for field in _FIELDS}
    notes: list[str] = []

    def add(field: str, text: str, check_label: bool) -> None:
        better = text
        if any("\ud800" <= c <= "\udfff" for c in text):
            better = decode_legacy(text.encode("utf-8", "surrogateescape"))
            notes.append(f"{field}: not in the encoding of these tags, read as Windows-1252")
        elif check_label and (better := fix_mislabelled(text)) != text:
            notes.append(f"{field}: labelled Latin-1, read as UTF-8 or Windows-1252")
        better = better.lstrip("\ufeff").strip(" \0\t\r\n")
        kept = values[field]
        if better and not any(
            text.startswith(better) and (text == better or len(better) >= _TRUNCATED) for text in kept
        ):
            kept[:] = [text for text in kept if not (better.startswith(text) and len(text) >= _TRUNCATED)]
            kept.append(better)

    info = {_INFO[name]: data for name, data in riff.info(file).items() if name in _INFO}
    info_texts = {
        text
        for data in info.values()
        for text in (data.decode("utf-8", "replace").strip(), data.decode("latin-1").strip())
    }
    for name, texts in {**_by_tinytag(file), **(_ape(file) if "mp3" in kinds else {})}.items():
        for field, names in _FIELDS.items():
            for text in texts if name in names else ():
                if "\ufffd" not in text and text.strip() not in info_texts:
                    add(field, text, bool(kinds & _MISLABELLED))
    stream = container.streams.audio[0].metadata
    for tags in (
        container.metadata,
        stream if kinds & _STREAM_TAGS else {k: v for k, v in stream.items() if k.lower() != "title"},
    ):
        for name, text in tags.items():
            for field, names in _FIELDS.items():
                # FFmpeg merges INFO with ID3 and joins repeated tags: its values are used where there are no others.
                if name.lower() in names and not values[field] and field not in info:
                    add(field, text, False)
    for field, data in info.items():
        if not values[field]:
            text = decode_legacy(data)
            add(field, text, False)
            if text.encode("utf-8") != data:
                notes.append(f"{field}: not UTF-8, read as Windows-1252")
    return TagValues({field: tuple(texts) for field, texts in values.items()}, tuple(dict.fromkeys(notes)))


def names(tag_values: TagValues, stem: str, options: Mapping[str, str | None]) -> Names:
    """Choose the names in the header.

    Args:
        tag_values: The tags.
        stem: The file's name without suffix: the title where there is no other.
        options: Names given by the user (title, artist, album, genre, isrc), which take precedence.

    Raises:
        InputError: ``message.schema``: a malformed ISRC in the options (one in the tags is left out with a note).
    """
    notes = list[str]()

    def take(field: str, text: str) -> str:
        out = header_text(text)
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
    """The first valid ISRC of the tags; adds notes on the others and on malformed ones."""
    codes, malformed = dict[str, None](), list[str]()
    for text in tag_values.values.get("isrc", ()):
        for part in _CODE_SEPARATORS.split(text):
            try:
                codes[isrc(part)] = None
            except InputError:
                malformed += [clean(part)] if clean(part) else []
    first, *others = codes or (None,)
    if others:
        notes.append(f"isrc: the tags have {len(codes)}, {first} was taken and {', '.join(map(str, others))} left out")
    if malformed:
        notes.append(f"isrc: left out, not an ISRC: {', '.join(malformed)[:80]}")
    return first


def _by_tinytag(file: BinaryIO) -> dict[str, list[str]]:
    """All values of each tag, by lower-case name, read by tinytag; {} where it fails."""
    file.seek(0)
    try:
        tag = TinyTag.get(file_obj=file, duration=False)
        fields = tag.as_dict()
    except Exception:  # malformed tags must not make a recording unusable
        return {}
    out: dict[str, list[str]] = {}
    for name, value in fields.items():
        texts = value if isinstance(value, list) else [value]
        out.setdefault(name.lower(), []).extend(
            part for text in texts if isinstance(text, str) for part in text.split("\0")
        )
    return out


def _ape(file: BinaryIO) -> dict[str, list[str]]:
    """Items of an APEv2 tag at the end of an MP3, also before an ID3v1 tag; {} without one."""
    size_of_file = file.seek(0, 2)
    for end in (size_of_file, size_of_file - 128):
        if end < 32:
            continue
        file.seek(end - 32)
        footer = file.read(32)
        if footer[:8] != b"APETAGEX":
            continue
        size, count = struct.unpack_from("<II", footer, 12)
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
