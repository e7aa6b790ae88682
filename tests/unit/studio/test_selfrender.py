"""A song as a page of one file, and the song taken out of it again."""

from __future__ import annotations

import re
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pywallet.errors import InputError
from pywallet.sps.polyglot import (
    CLOSING,
    DOCTYPE,
    MARK_LIMIT,
    LineEnds,
    comment_ends,
    comment_ends_over,
    find_song,
    from_text,
    is_page,
    patched,
    prologue,
    to_text,
)
from studio import selfrender
from studio.convert import ConvertResult
from studio.inspect import inspect
from studio.owner import ContentKeys
from studio.verify import verify

NASTY = st.lists(
    st.sampled_from([b"-->", b"--!>", b"-", b"!", b">", b"\r", b"\n", b"\r\n", b"\0", b"\x81", b"<!--", b"a"])
).map(b"".join)
HEAD = DOCTYPE + b'<meta charset="windows-1252">'


class Comments(HTMLParser):
    """The comments of a page, by another reader than a browser."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_comment(self, data: str) -> None:
        self.found.append(data)


@pytest.fixture
def song(make: Callable[..., ConvertResult], wav: Callable[..., Path]) -> ConvertResult:
    """Five seconds of noise: it does not compress, so its ciphertext is long."""
    noise = np.random.default_rng(7).integers(-9000, 9000, (5 * 44_100, 2)).astype("<i2")
    return make(wav(noise), title="A --> B & <C> 夜", artist="Ünï")


@given(NASTY | st.binary(max_size=300))
@example(b"\x89SPS\r\n\x1a\n-->--!>\r\r\n\n\0")
def test_any_bytes_come_back_from_the_text_of_a_comment(song: bytes) -> None:
    """Patched and read as a browser reads a comment, every byte comes back; nothing in it ends the comment."""
    ends = comment_ends(song)
    written = patched(song, ends)
    assert not comment_ends(written)
    start, place = prologue(HEAD, b"<title>t</title>", len(song), sha256(song).digest(), ends) if song else (b"", None)
    again = from_text(to_text(written), LineEnds.of(written))
    assert again == written
    if place is not None:
        assert find_song(start + written) == place
        assert place.restore(again, 0) == song
        for cut in range(0, len(song), 7):
            assert place.restore(written[cut : cut + 11], cut) == song[cut : cut + 11]


@given(NASTY, st.integers(1, 9))
@example(b"--!>-->\r\n\r\r\n", 1)
def test_a_song_in_parts_gives_what_the_whole_gives(song: bytes, size: int) -> None:
    """Wherever the joins fall, in the middle of a comment's end or of a CRLF, ends and lines are those of the whole."""
    parts = [song[at : at + size] for at in range(0, len(song), size)]
    assert comment_ends_over(iter(parts)) == comment_ends(song)
    assert LineEnds.over(iter(parts)) == LineEnds.of(song)


def test_the_page_of_a_long_song_takes_no_more_memory(
    song: ConvertResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written 4 KiB at a time the page is the same, and no more than a little of the song is held at once."""
    selfrender.write(song.path, tmp_path / "whole.html")
    monkeypatch.setattr(selfrender, "_PART", 4096)
    selfrender.write(song.path, tmp_path / "warm.html")
    tracemalloc.start()
    try:
        selfrender.write(song.path, tmp_path / "parts.html")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tmp_path / "parts.html").read_bytes() == (tmp_path / "whole.html").read_bytes()
    assert peak < song.path.stat().st_size / 2


def calls(work: Callable[[], object]) -> int:
    """Calls of functions, Python's and C's, that a piece of work makes."""
    made = 0

    def count(*_: object) -> None:
        nonlocal made
        made += 1

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return made


def test_text_is_read_back_with_work_for_each_line_only() -> None:
    """A page of many megabytes takes a few calls a line end, none a character: the work grows as the lines do."""
    made = []
    for size in (50_000, 100_000, 200_000):
        written = (b"\0\xe9\x81" + b"x" * 98 + b"\r\n\r") * (size // 104)
        text, lines = to_text(written), LineEnds.of(written)
        made.append(calls(lambda text=text, lines=lines: from_text(text, lines)))  # type: ignore[misc]
        assert made[-1] < 100 + 4 * text.count("\n")
    assert made[2] < 2.2 * made[1] < 4.9 * made[0]


def test_every_byte_is_a_character_of_its_own() -> None:
    """The text of windows-1252 tells all 256 bytes apart, but for the line ends."""
    assert len({to_text(bytes([byte])) for byte in range(256)}) == 255


def test_a_page_holds_the_song_byte_for_byte(song: ConvertResult, tmp_path: Path) -> None:
    """Place and hash stand in the first kilobyte, the comment is the song, and Python's own HTML reader agrees where it
    ends.
    """
    page = tmp_path / "song.sps.html"
    made = selfrender.write(song.path, page, station="https://radio.example/somewhere")
    data, original = page.read_bytes(), song.path.read_bytes()
    assert is_page(data)
    assert b'name="sps"' in data[:MARK_LIMIT]
    assert b'charset="windows-1252"' in data[:MARK_LIMIT]
    place = find_song(data)
    body = data[place.offset : place.offset + place.size]
    assert place.restore(body, 0) == original
    assert place.sha256 == sha256(original).digest()
    assert data[place.offset + place.size :].startswith(CLOSING)
    assert data[: place.offset].isascii()
    assert made.size == len(data)
    assert made.offset == place.offset
    reader = Comments()
    reader.feed(data.decode("latin-1"))
    assert reader.found == [body.decode("latin-1")]


def test_the_page_names_song_terms_and_nothing_from_elsewhere(song: ConvertResult, tmp_path: Path) -> None:
    """Title and artist are escaped, the terms stand in two languages, and no address is loaded by the page."""
    page = tmp_path / "song.sps.html"
    selfrender.write(song.path, page, station="https://radio.example")
    data = page.read_bytes()
    text = data[: find_song(data).offset].decode("ascii")
    assert "A --&gt; B &amp; &lt;C&gt; &#22812;" in text
    assert "&#220;n&#239;" in text
    assert "Play, pause" in text
    assert "&#25773;&#25918;" in text
    assert "Allow access to file URLs" in text
    assert not re.search(r'(?:src|href)="(?!data:|https://radio\.example")', text.replace("<sps-player data-sps>", ""))
    assert "default-src 'none'" in text
    assert '<meta name="sps-station" content="https://radio.example">' in text


def test_the_same_song_is_the_same_page(song: ConvertResult, tmp_path: Path) -> None:
    """Nothing of the day or the machine is in it."""
    pages = [tmp_path / "a.html", tmp_path / "b.html"]
    for page in pages:
        selfrender.write(song.path, page)
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_a_title_that_ends_comments_is_patched(
    make: Callable[..., ConvertResult], wav: Callable[..., Path], tmp_path: Path
) -> None:
    """The signed header cannot be sealed otherwise: its '>' is written as another byte, listed, and comes back."""
    quiet = np.zeros((44_100, 2), dtype="<i2")
    song = make(wav(quiet), title="one --> two --!> three")
    made = selfrender.write(song.path, tmp_path / "p.html")
    assert made.patches == 2
    data = (tmp_path / "p.html").read_bytes()
    place = find_song(data)
    assert place.restore(data[place.offset : place.offset + place.size], 0) == song.path.read_bytes()


def test_a_page_costs_little(song: ConvertResult, tmp_path: Path) -> None:
    """What grows with the song (the line ends) is under 0.2 per cent of it.

    The page around it is under 16 KiB without a cover.
    """
    made = selfrender.write(song.path, tmp_path / "p.html")
    assert made.offset < 16 << 10
    assert made.size - made.offset - made.song_size < 0.002 * made.song_size + 200


def broken(data: bytes) -> list[tuple[str, bytes]]:
    """Pages with something wrong, and the code each is refused with."""
    place = find_song(data)
    head, song = data[: place.offset], data[place.offset :]
    return [
        ("sps.magic", b"<!doctype html><title>another page</title>" + bytes(2000)),
        ("sps.magic", b" " * MARK_LIMIT + data),
        ("sps.version", data.replace(b"v=1;", b"v=2;", 1)),
        ("sps.magic", data.replace(place.mark, replace(place, offset=place.offset + 1).mark, 1)),
        ("sps.magic", data.replace(place.mark, replace(place, offset=0).mark, 1)),
        ("sps.magic", data.replace(place.mark, replace(place, offset=9_999_999).mark, 1)),
        ("sps.truncated", head[:-10]),
        (
            "sps.magic",
            head.replace(b"<title>", b'<meta name="sps-fix" content="7,7"><title>'.ljust(48)).ljust(place.offset)
            + song,
        ),
    ]


def test_a_page_with_something_wrong_is_refused_with_its_code(song: ConvertResult, tmp_path: Path) -> None:
    """Not a page of ours, a later layout, a place that is no song's, a page cut short."""
    page = tmp_path / "song.sps.html"
    selfrender.write(song.path, page)
    for code, data in broken(page.read_bytes()):
        with pytest.raises(InputError) as caught:
            find_song(data)
        assert caught.value.code == code


@given(
    st.binary(max_size=400),
    st.text("abc\n\r\ufffd€ł", max_size=50),
    st.text(max_size=20),
    st.lists(st.integers()).map(tuple),
)
def test_what_comes_from_outside_never_breaks_the_reader(
    data: bytes, text: str, bits: str, pairs: tuple[int, ...]
) -> None:
    """Any page, text or table gives bytes or one of our errors."""
    for read in (lambda: find_song(DOCTYPE + data), lambda: from_text(text, LineEnds(bits, pairs))):
        try:
            read()
        except InputError as error:
            assert error.code.startswith("sps.")


def test_a_station_must_be_an_origin(song: ConvertResult, tmp_path: Path) -> None:
    """Anything but a web address is refused before the page is written."""
    for station in ("radio.example", "javascript:alert(1)", "https://user@radio.example"):
        with pytest.raises(InputError):
            selfrender.write(song.path, tmp_path / "p.html", station=station)
    assert not (tmp_path / "p.html").exists()


def test_inspect_and_verify_take_the_page_as_the_song(song: ConvertResult, tmp_path: Path) -> None:
    """The page says and proves what the song does, its segments open with the same keys, and a change in it is
    found.
    """
    page = tmp_path / "song.sps.html"
    selfrender.write(song.path, page)
    assert inspect(page) == inspect(song.path)
    keys = ContentKeys.load(song.key_path)
    assert list(verify(page, keys)) == list(verify(song.path, keys))
    data = bytearray(page.read_bytes())
    place = find_song(bytes(data))
    data[place.offset + place.size - 5000] ^= 1
    page.write_bytes(data)
    with pytest.raises(InputError) as altered:
        list(verify(page))
    assert altered.value.code == "sps.segment.hash"
    page.write_bytes(data[: place.offset + place.size - 10])
    with pytest.raises(InputError) as cut:
        list(verify(page))
    assert cut.value.code == "sps.truncated"
