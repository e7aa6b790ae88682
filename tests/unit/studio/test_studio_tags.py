"""Names from every kind of tag: the header's own character rule, charsets, repeats, precedence; and the cover."""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import GomaaError
from pywallet.sps import fields
from studio import artwork, tags
from studio.audio import Recording
from studio.text import file_stem, fix_mislabelled, header_text
from tests.unit.studio.test_studio_bad_input import riff

Ffmpeg = Callable[..., Path]
FIRST, OTHER = "USABC1234567", "GBABC1234567"
SOUND = (np.sin(np.arange(22_050) / 9) * 9000).astype("<i2")[:, None]


def named(path: Path, **said: str) -> tags.Names:
    """A recording's names."""
    with Recording(path) as recording:
        return tags.names(recording.tags, recording.stem, said)


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم تو را",
        "ක්\u200dරිස්ටියානි",
        "Family 👨\u200d👩\u200d👧 🏴\u200d☠\ufe0f",
        "👍🏽 🇨🇭 🏴\U000e0067\U000e0062\U000e007f",
        "Shaking \U0001fae8 Tired \U0001fae9 Later \U0001faff",
        "慢潮\u3000二〇二六",
        "\u200fעברית\u200e mixed",
        "e\u0301 decomposed",
        "private \ue000 use",
    ],
)
def test_what_the_header_takes_stays(text: str) -> None:
    """Joiners, selectors, new emoji, wide spaces: unchanged, and the header accepts them."""
    assert header_text(text) == header_text(text).__class__(text)
    assert fields.text(text, "title") == text


@pytest.mark.parametrize(
    ("text", "expected", "word"),
    [
        ("Slow\nTide", "Slow Tide", "control"),
        ("a\u2028b", "a b", "line ends"),
        ("abc\u202egpj", "abcgpj", "direction"),
        ("\u2066in\u2069", "in", "direction"),
        ("lone \ud83d end", "lone \ufffd end", "U+FFFD"),
        ("x" * 600, "x" * 500, "cut from 600"),
        ("\ufeff  BOM  twice ", "BOM twice", ""),
        ("\u200b\u3164\ufe0f", "", ""),
    ],
)
def test_what_the_header_refuses_is_changed_and_told(text: str, expected: str, word: str) -> None:
    """Controls become spaces, direction marks go, long texts are cut; each with its words."""
    out = header_text(text)
    assert out.text == expected
    assert word in " ".join(out.changed)
    assert bool(out.changed) == bool(word)


@pytest.mark.parametrize("cluster", ["e\u0301\u0323", "👨\u200d👩\u200d👧", "🇨🇭", "👍🏽", "❤\ufe0f", "क्ष", "각"])
def test_a_long_text_is_cut_between_characters(cluster: str) -> None:
    """No accent, joined emoji, flag, skin tone or syllable is split."""
    for before in range(len(cluster)):
        out = header_text("x" * (500 - before) + cluster * 3).text
        assert out.strip("x") in ("", cluster)


@given(st.text(st.characters(), max_size=700))
def test_every_text_becomes_one_that_the_header_takes(text: str) -> None:
    """Whatever a tag holds, the result is accepted, and applying the rule again changes nothing."""
    out = header_text(text).text
    assert fields.text(out, "title") == out
    assert header_text(out).text == out


def test_file_names_become_text() -> None:
    """Bytes that are not UTF-8 are read as Windows-1252, letters taken apart by a file system are put together."""
    assert file_stem("caf\udce9") == "café"
    assert file_stem(unicodedata.normalize("NFD", "Größe")) == "Größe"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BjÃ¶rk", "Björk"),
        ("It\x92s", "It’s"),
        ("Größe", "Größe"),
        ("Käse für 東京", "Käse für 東京"),
        ("plain", "plain"),
        ("Ã", "Ã"),
    ],
)
def test_wrong_labels_are_seen(text: str, expected: str) -> None:
    """UTF-8 and Windows-1252 that were labelled Latin-1 are read as what they are; real Latin-1 stays."""
    assert fix_mislabelled(text) == expected


def chunk(kind: bytes, body: bytes) -> bytes:
    """A RIFF chunk."""
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def id3(*frames: tuple[bytes, bytes], version: int = 4) -> bytes:
    """An ID3v2 tag; sizes under 128 bytes are alike in all versions."""
    body = b"".join(kind + struct.pack(">I", len(data)) + b"\0\0" + data for kind, data in frames)
    return b"ID3" + bytes([version, 0, 0, 0, 0, len(body) >> 7, len(body) & 127]) + body


def test_info_texts_without_a_charset(tmp_path: Path) -> None:
    """UTF-8 where it is valid, else Windows-1252, and that is told."""
    info = chunk(
        b"LIST", b"INFO" + chunk(b"INAM", "Süße".encode("latin-1")) + chunk(b"IART", "Größe 東".encode() + b"\0")
    )
    path = tmp_path / "info.wav"
    path.write_bytes(riff(SOUND, 44_100, after=info))
    found = named(path)
    assert (found.title, found.artist) == ("Süße", "Größe 東")
    assert [note for note in found.notes if "Windows-1252" in note] == ["title: not UTF-8, read as Windows-1252"]


@pytest.mark.parametrize("id3_first", [False, True])
def test_id3_comes_before_info(tmp_path: Path, id3_first: bool) -> None:
    """INFO's fields are cut and have no charset: an ID3 chunk wins in either order, and INFO fills what it lacks."""
    info = chunk(b"LIST", b"INFO" + chunk(b"INAM", b"Cut\0") + chunk(b"IPRD", b"Album\0"))
    tag = chunk(b"id3 ", id3((b"TIT2", b"\3Whole title"), (b"TPE1", b"\3One\0Two")))
    path = tmp_path / "both.wav"
    path.write_bytes(riff(SOUND, 44_100, after=tag + info if id3_first else info + tag))
    found = named(path)
    assert (found.title, found.artist, found.album) == ("Whole title", "One, Two", "Album")


def mp3(ffmpeg: Ffmpeg) -> bytes:
    """A second of MP3 without a tag."""
    arguments = ("-f", "lavfi", "-i", "sine=440:d=1", "-id3v2_version", "0", "-write_xing", "0", "-map_metadata", "-1")
    return ffmpeg("bare.mp3", *arguments, "-f", "mp3").read_bytes()


def test_id3_in_an_mp3(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    """UTF-16 with and without its mark, wrong labels, repeats, an ID3v1 and an APEv2 tag behind the sound."""
    bare, path = mp3(ffmpeg), tmp_path / "song.mp3"
    utf16 = (b"TIT2", b"\1" + "Größe 🫨".encode("utf-16")), (b"TPE1", b"\1" + "NoMark".encode("utf-16-le"))
    path.write_bytes(id3(*utf16, (b"TALB", b"\0It\x92s"), (b"TSRC", f"\3{FIRST}\0{OTHER}".encode())) + bare)
    found = named(path)
    assert (found.title, found.artist, found.album, found.isrc) == ("Größe 🫨", "NoMark", "It’s", FIRST)
    assert any(OTHER in note for note in found.notes)
    v1 = (
        b"TAG"
        + b"Long title of more than thirty characters"[:30]
        + "Åse".encode("latin-1").ljust(30, b"\0")
        + bytes(65)
    )
    path.write_bytes(id3((b"TIT2", b"\3Long title of more than thirty characters")) + bare + v1)
    assert (named(path).title, named(path).artist) == ("Long title of more than thirty characters", "Åse")
    items = b"".join(
        struct.pack("<II", len(v), 0) + k + b"\0" + v for k, v in ((b"Title", "Äpe".encode()), (b"Artist", b"One\0Two"))
    )
    path.write_bytes(bare + items + b"APETAGEX" + struct.pack("<IIII", 2000, len(items) + 32, 2, 0) + bytes(8))
    assert (named(path).title, named(path).artist) == ("Äpe", "One, Two")


def test_repeated_vorbis_comments(ffmpeg: Ffmpeg) -> None:
    """The first title, all artists, the first ISRC; what was left out is named."""
    source = ffmpeg("t.flac", "-f", "lavfi", "-i", "sine=440:d=1", "-metadata", "title=" + "A" * 200)
    data = source.read_bytes()
    comments = [
        b"TITLE=A",
        b"TITLE=B",
        b"ARTIST=One; Two",
        b"ARTIST=Three",
        f"ISRC={FIRST}".encode(),
        f"ISRC={OTHER}".encode(),
    ]
    comments.append(b"ISRC=none")
    body = b"\1\0\0\0x" + struct.pack("<I", len(comments)) + b"".join(struct.pack("<I", len(c)) + c for c in comments)
    info = data[4:42]
    at = 4
    while not data[at] & 0x80:
        at += 4 + int.from_bytes(data[at + 1 : at + 4], "big")
    sound = data[at + 4 + int.from_bytes(data[at + 1 : at + 4], "big") :]
    source.write_bytes(b"fLaC\0" + info[1:] + b"\x84" + len(body).to_bytes(3, "big") + body + sound)
    found = named(source)
    assert (found.title, found.artist, found.isrc) == ("A", "One; Two, Three", FIRST)
    assert {note.partition(":")[0] for note in found.notes} == {"title", "isrc"}
    assert any("none" in note for note in found.notes)


@pytest.mark.parametrize("title", ["The Real Song", ""])
def test_a_tracks_name_is_no_title(ffmpeg: Ffmpeg, title: str) -> None:
    """The container's title, else the file's name; never "Stereo"."""
    meta = ("-metadata", f"title={title}", "-metadata:s:a:0", "title=Stereo")
    source = ffmpeg("named.mka", "-f", "lavfi", "-i", "sine=440:d=1", "-c:a", "flac", *meta)
    assert named(source).title == (title or "named")


def test_an_oggs_stream_has_its_tags(ffmpeg: Ffmpeg) -> None:
    """In Ogg the comments are the stream's, and they are the song's."""
    source = ffmpeg("t.ogg", "-f", "lavfi", "-i", "sine=440:d=1", "-c:a", "libvorbis", "-metadata", "title=Tide")
    assert named(source).title == "Tide"


def test_what_a_person_says_comes_first_under_the_same_rule(tmp_path: Path) -> None:
    """An explicit title keeps its joiners, loses its controls, and a bad ISRC is refused."""
    path = tmp_path / "x.wav"
    path.write_bytes(riff(SOUND, 44_100))
    found = named(path, title="می\u200cخواهم\x07!", artist=" ")
    assert (found.title, found.artist) == ("می\u200cخواهم !", tags.UNKNOWN_ARTIST)
    assert found.notes == ("title: control characters and line ends became spaces",)
    with pytest.raises(GomaaError, match=r"message\.schema"):
        named(path, isrc="none")


def test_the_front_cover_is_taken(ffmpeg: Ffmpeg) -> None:
    """The front cover before every other picture; one that cannot be read is left out with a word."""
    small = ffmpeg("cover.png", "-f", "lavfi", "-i", "color=red:s=32x32", "-frames:v", "1").read_bytes()
    front = small + b"front"
    assert artwork.best_cover([("Cover (back)", small), ("Cover (front)", front), ("Other", small)])[
        0
    ] == artwork.picture_of(front)
    found, notes = artwork.best_cover([("Cover (front)", small[:60]), ("", small)])
    assert found == artwork.picture_of(small)
    assert "left out" in notes[0]
    found, notes = artwork.best_cover([("Cover (front)", b"\xff\xd8\xff" + bytes(artwork.MAX_COVER))])
    assert found is None
    assert "8.0 MiB" in notes[0]
