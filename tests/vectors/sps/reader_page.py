"""Self-rendering pages, by the second reader."""

from __future__ import annotations

import base64
import re
from typing import Any, Final

from tests.vectors.sps.reader import read_file
from tests.vectors.sps.reader_encoding import Refused, require

# windows-1252; its five gaps decode to the code point of their byte. HTML parsers replace NUL by U+FFFD.
BYTES: Final = {
    chr(byte) if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([byte]).decode("cp1252"): byte for byte in range(256)
}
BYTES["\ufffd"] = 0


def read_page(data: bytes) -> dict[str, Any]:
    """Return the header of the file in a self-rendering page."""
    at, size, places = find_song(data)
    song = bytearray(data[at : at + size])
    for place in places:
        if place < len(song):
            song[place] = 0x3E
    return read_file(bytes(song))


def find_song(data: bytes) -> tuple[int, int, list[int]]:
    """Return offset and length of a page's song, and the places to restore."""
    mark = re.search(
        rb'<meta name="sps" content="v=(\d{1,3});off=(\d{1,10});len=(\d{1,12});sha256=([0-9a-f]{64})">', data[:1024]
    )
    require(data[:15].lower() == b"<!doctype html>" and mark is not None, "sps.magic")
    require(int(mark[1]) == 1, "sps.version")
    at, size = int(mark[2]), int(mark[3])
    require(19 <= at <= 262_144 and size > 0, "sps.magic")
    require(len(data) >= at, "sps.truncated")
    require(data[at - 4 : at] == b"<!--", "sps.magic")
    listed = re.search(rb'<meta name="sps-fix" content="(\d{1,12}(,\d{1,12})*)">', data[:at])
    places = [int(word) for word in listed[1].split(b",")] if listed else []
    require(
        len(places) <= 4096 and places == sorted(set(places)) and all(place < size for place in places), "sps.magic"
    )
    return at, size, places


def read_text(text: str, bits: str, pairs: str) -> bytes:
    """Return the bytes of a page's comment from its text."""
    flags, doubled, out = base64.b64decode(bits), {int(word) for word in pairs.split()}, []
    first, *lines = text.split("\n")
    require(len(lines) <= 8 * len(flags), "sps.segment.hash")
    try:
        out.append(bytes([BYTES[character] for character in first]))
        for number, line in enumerate(lines):
            returned = flags[number // 8] >> (7 - number % 8) & 1
            out.append(b"\r\n" if number in doubled else b"\r" if returned else b"\n")
            out.append(bytes([BYTES[character] for character in line]))
    except KeyError:
        raise Refused("sps.segment.hash") from None
    return b"".join(out)
