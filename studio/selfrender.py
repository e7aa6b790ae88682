"""HTML packaging: one file with the song, its cover and its terms, played by the extension (docs/format/html.md)."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import av
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pywallet.encoding.hex import checksum
from pywallet.errors import InputError
from pywallet.policy import Context, PartyNames, Policy, Usage, describe
from pywallet.sps import Header
from pywallet.sps.polyglot import CLOSING, DOCTYPE, LineEnds, comment_ends_over, patched, prologue
from studio.owner import AtomicWrite
from studio.page_texts import HEADINGS, HELP
from studio.reader import SongFile

PICTURE: Final = 320
"""Longer side of a re-encoded cover, px."""
MAX_COVER: Final = 24 << 10
"""Largest cover that is embedded unchanged, bytes."""
_PART: Final = 1 << 20
_TEMPLATES: Final = Path(__file__).parent / "templates"
_COLOURS: Final = ("#7d2450", "#1f5b5e", "#3f3170", "#a5485a", "#6d6148", "#2c6e72", "#c8513d", "#5b6f8c")


@dataclass(frozen=True)
class RenderedPage:
    """The page written.

    Attributes:
        path: The page.
        size: Size of the page, bytes.
        song_size: Size of the song in it, bytes.
        offset: Offset of the song in the page, bytes.
        patches: Number of bytes replaced, so that the song does not end the comment around it.
    """

    path: Path
    size: int
    song_size: int
    offset: int
    patches: int

    @property
    def overhead(self) -> float:
        """Size of the page in excess of the song, per cent of the song."""
        return 100 * (self.size - self.song_size) / self.song_size


def write(song: Path, output: Path, *, station: str | None = None, cover: Path | None = None) -> RenderedPage:
    """Write the page of a song, atomically; deterministic.

    Args:
        song: The ``.sps`` file.
        output: The page, ``.sps.html``.
        station: Origin of the station that issues tickets when the page is opened from disk (``https://radio.example``);
            None: that of the header's first delivery URL.
        cover: The cover; used if it has the header's hash. None: the picture beside the song, if any.

    Raises:
        InputError: ``sps.*``: not a valid song; ``message.schema``: the station is not an origin.
    """
    with SongFile(song) as opened:
        opened.check_size()
        header = opened.header
        picture = _cover(header, song, cover) or _generated_cover(header)
        station = _origin(station) if station else _first_origin(header)
    size, digest, ends, lines = _survey(song)
    before = DOCTYPE + b'<html lang="en"><head><meta charset="windows-1252">'
    start, place = prologue(before, _page(header, picture, station), size, digest, ends)
    pairs = " ".join(map(str, lines.pairs))
    tail = (
        CLOSING
        + f'<i hidden id="sps-lines" data-pairs="{pairs}" data-bits="{lines.bits}"></i></body></html>\n'.encode()
    )
    with AtomicWrite(output, 0o644) as temporary, temporary.open("wb") as file:
        file.write(start)
        copied, at = sha256(), 0
        for part in _parts(song):
            copied.update(part)
            file.write(patched(part, [end - at for end in ends if at <= end < at + len(part)]) if ends else part)
            at += len(part)
        if copied.digest() != digest:
            raise InputError("sps.segment.hash", reason="the song changed while it was read")
        file.write(tail)
        whole = file.tell()
    return RenderedPage(output, whole, size, place.offset, len(ends))


def _parts(song: Path) -> Iterator[bytes]:
    """The file in parts of 1 MiB."""
    with song.open("rb") as file:
        while part := file.read(_PART):
            yield part


def _survey(song: Path) -> tuple[int, bytes, tuple[int, ...], LineEnds]:
    """Size, hash, offsets that would end the comment, and line lengths of the song inside the comment."""
    digest, size = sha256(), 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for part in _parts(song):
            digest.update(part)
            size += len(part)
            yield part

    ends = comment_ends_over(counted())
    # Patches neither replace nor insert line ends, so the lines are those of the song.
    return size, digest.digest(), ends, LineEnds.over(_parts(song))


def _page(header: Header, picture: str, station: str | None) -> bytes:
    """The visible page, ASCII with character references."""
    style, script = (
        (_TEMPLATES / "selfrender.css").read_text("ascii"),
        (_TEMPLATES / "selfrender.js").read_text("ascii"),
    )
    track = header.renditions[0]
    seconds = track.duration_ms // 1000
    bits = f" {track.bits} bit" if track.codec == "flac" else ""
    text: str = _template().render(
        title=header.title,
        artist=header.artist,
        album=header.album,
        length=f"{seconds // 60}:{seconds % 60:02}",
        sound=f"{track.codec.upper()}{bits}, {track.rate / 1000:g} kHz",
        picture=picture,
        station=station,
        terms={lang: {"heading": HEADINGS[lang], "lines": _terms(header, lang)} for lang in HEADINGS},
        help=HELP,
        content=f"{checksum(header.content)}, chain {header.chain}",
        style=style,
        script=script,
        style_hash=base64.b64encode(sha256(style.encode()).digest()).decode(),
        script_hash=base64.b64encode(sha256(script.encode()).digest()).decode(),
    )
    return text.encode("ascii", "xmlcharrefreplace")


@cache
def _template() -> Any:
    loader = FileSystemLoader(_TEMPLATES)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(
        "selfrender.html"
    )


def _terms(header: Header, lang: str) -> list[str]:
    """The policy as sentences for a listener who has not played yet."""
    policy = Policy.from_dict(header.policy)
    context = Context(now_s=0, domain=None, wallet=False, revoked=False, destroyed=False)
    described = describe(policy, Usage(), context, lang, PartyNames(artist=header.artist))
    return [
        line for line in (described.may, described.left, described.costs, described.earn, *described.limits) if line
    ]


def _cover(header: Header, song: Path, given: Path | None) -> str | None:
    """The cover that has the header's hash, as a data URL, re-encoded above ``MAX_COVER``; None without one."""
    if (art := header.artwork) is None:
        return None
    places = (
        [given]
        if given
        else sorted(p for p in song.parent.glob(f"{song.stem}.*") if p.suffix in (".jpg", ".jpeg", ".png", ".webp"))
    )
    for path in places:
        data = path.read_bytes() if path.is_file() and path.stat().st_size == art.size else b""
        if sha256(data).digest() == art.sha256:
            return _data_url(art.mime, data) if len(data) <= MAX_COVER else _small(data)
    return None


def _small(data: bytes) -> str | None:
    """The picture as JPEG of at most ``PICTURE`` by ``PICTURE`` px; None if it does not decode."""
    try:
        with av.open(io.BytesIO(data), "r") as container:
            frame = next(container.decode(video=0))
        scale = min(1.0, PICTURE / max(frame.width, frame.height))
        frame = frame.reformat(
            max(2, round(frame.width * scale) & ~1), max(2, round(frame.height * scale) & ~1), "yuvj420p"
        )
        codec: Any = av.CodecContext.create("mjpeg", "w")
        codec.width, codec.height, codec.pix_fmt, codec.time_base = frame.width, frame.height, "yuvj420p", "1/1"
        codec.options = {"q": "5", "qmin": "5", "qmax": "5"}
        packets = [*codec.encode(frame), *codec.encode(None)]
    except (av.FFmpegError, StopIteration, ValueError):
        return None
    return _data_url("image/jpeg", b"".join(bytes(packet) for packet in packets))


def _generated_cover(header: Header) -> str:
    """An SVG generated from the content address, for a song without a cover, as a data URL."""
    a = header.content
    colours = [_COLOURS[a[i] % len(_COLOURS)] for i in range(3)]
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80"><path fill="#f0cfc4" d="M0 0h80v80H0z"/>'
        f'<circle cx="{15 + a[3] % 50}" cy="{18 + a[4] % 14}" r="11" fill="#f0ae4b"/>'
        f'<path fill="{colours[0]}" d="M0 {40 + a[5] % 10}q20-{8 + a[6] % 12} 40 0t40 0v50H0z"/>'
        f'<path fill="{colours[1]}" fill-opacity=".85" d="M0 {56 + a[7] % 10}q20 {6 + a[8] % 10} 40 0t40 '
        f'0v40H0z"/></svg>'
    )
    return _data_url("image/svg+xml", text.encode())


def _data_url(mime: str, data: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
        raise InputError("message.schema", field="station", reason="an origin: https://radio.example")
    return f"{parts.scheme}://{parts.netloc}"


def _first_origin(header: Header) -> str | None:
    return _origin(header.delivery[0]) if header.delivery else None
