"""Pages that carry the song, written from docs/format/html.md by other means than ours."""

from __future__ import annotations

import base64
import re
from hashlib import sha256

HEAD = b'<!doctype html><html lang="en"><head><meta charset="windows-1252">'
TITLE = b"<title>Vector</title></head><body>"
OPENING, CLOSING = b"<!--", b"-->"
GAPS = {byte: chr(byte) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


def mark(offset: int, size: int, digest: bytes) -> bytes:
    """Where the song is."""
    return f'<meta name="sps" content="v=1;off={offset:010};len={size:012};sha256={digest.hex()}">'.encode()


def page(song: bytes, fixes: list[int] | None = None, after: bytes = TITLE) -> bytes:
    """The page; ``fixes`` instead of the places where the song would end the comment."""
    ends = [found.end() - 1 for found in re.finditer(rb"--!?>", song)]
    written = bytearray(song)
    for at in ends:
        written[at] = ord(".")
    listed = ends if fixes is None else fixes
    after = (f'<meta name="sps-fix" content="{",".join(map(str, listed))}">'.encode() if listed else b"") + after
    length = len(mark(0, 0, bytes(32)))
    offset = len(HEAD) + length + len(after) + len(OPENING)
    start = HEAD + mark(offset, len(song), sha256(song).digest()) + after + OPENING
    return start + bytes(written) + CLOSING + lines(bytes(written)) + b"</body></html>\n"


def lines(written: bytes) -> bytes:
    """The element that says what each line end was."""
    bits, pairs = line_ends(written)
    return f'<i hidden id="sps-lines" data-pairs="{pairs}" data-bits="{bits}"></i>'.encode()


def line_ends(written: bytes) -> tuple[str, str]:
    """Its two attributes: bits, pairs."""
    kinds = re.findall(rb"\r\n|\r|\n", written)
    bits = "".join("1" if kind == b"\r" else "0" for kind in kinds)
    packed = bytes(int(bits[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(bits), 8))
    return base64.b64encode(packed).decode(), " ".join(
        str(number) for number, kind in enumerate(kinds) if kind == b"\r\n"
    )


def text(written: bytes) -> str:
    """What a browser makes of the comment's bytes."""
    plain = re.sub(rb"\r\n|\r", b"\n", written)
    return "".join("\ufffd" if byte == 0 else GAPS.get(byte) or bytes([byte]).decode("cp1252") for byte in plain)
