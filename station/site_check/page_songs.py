"""Songs that a page names, by the rules of the extension (``extension/content/page_players.js``).

``tests/vectors/found.json`` compares both.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit
from xml.etree import ElementTree

PLAYER: Final = "sps-player"
_RAW: Final = ("script", "style", "xmp", "iframe", "noembed", "noframes", "noscript", "title", "textarea")
"""Elements whose content is text; with scripts, ``noscript`` is one of them."""
_VOID: Final = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_FOREIGN: Final = frozenset(("svg", "math"))
_SELF: Final = re.compile(r"v=1;off=\d{1,10};len=\d{1,12};sha256=[0-9a-f]{64}")
_META: Final = re.compile(rb"<meta\s[^>]*?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.+-]+)", re.IGNORECASE)
_SNIFFED: Final = 1024
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LATIN: Final = frozenset(("ascii", "iso8859-1", "latin-1"))
_CONTROLS: Final = "".join(map(chr, range(0x21)))
_MAX_TRACKS: Final = 500
_XSPF: Final = "{http://xspf.org/ns/0/}"
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class SongReference:
    """A URL that a player of the page names: of a song or of a list of songs."""

    url: str
    is_list: bool = False


@dataclass(frozen=True)
class PageSongs:
    """Songs and lists named by a page's players, in order, and plain links to songs."""

    songs: tuple[SongReference, ...]
    links: tuple[str, ...]


def decode(raw: bytes, content_type: str) -> str:
    """Decode a page by its byte order mark, the header's charset or its ``meta``; otherwise UTF-8 or windows-1252.

    Args:
        raw: The page, or its beginning.
        content_type: The header of that name.
    """
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(name, "replace")
    header_charset = re.search(r"charset\s*=\s*[\"']?\s*([^\s\"';,]+)", content_type, re.IGNORECASE)
    if header_charset and (codec := _codec(header_charset[1])):
        return raw.decode(codec, "replace")
    meta = _META.search(raw[:_SNIFFED])
    if meta and (codec := _codec(meta[1].decode("ascii"))):
        # A page whose meta tag could be read is not UTF-16.
        return raw.decode("utf-8" if codec.startswith("utf-16") else codec, "replace")
    try:
        # The cap may have cut the last character.
        return codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _codec(label: str) -> str | None:
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return None
    return "cp1252" if name in _LATIN else name


def songs_of_page(text: str, page: str, *, based: bool = True) -> PageSongs:
    """Absolute URLs of the songs and lists that a page's players name, and of links to songs.

    Args:
        text: The page as it is served.
        page: Its address, after redirects.
        based: True if the page's policy allows ``<base href>``.
    """
    reader = _Page()
    reader.feed(text)
    base = page
    if based and reader.base is not None:
        chosen = href(page, reader.base)
        base = chosen if chosen is not None and not chosen.startswith(("data:", "javascript:")) else page
    songs = []
    for player in reader.players:
        if player.is_self and not reader.is_song:
            continue
        for place, is_list in player.names(page):
            if (url := href(base, place)) is not None:
                songs.append(SongReference(url, is_list))
    links = [url for place in reader.links if (url := href(base, place)) is not None]
    return PageSongs(tuple(songs), tuple(links))


def tracks(text: str, url: str) -> list[str]:
    """The addresses of a list's tracks, absolute, in order: JSPF (JSON) or XSPF (XML).

    Other than http and https URLs are left out.

    Args:
        text: The list.
        url: Its own address.
    """
    places = _from_json(text) if text.lstrip().startswith("{") else _from_xml(text)
    resolved = (href(url, place) for place in places[:_MAX_TRACKS] if place.strip())
    return [url for url in resolved if url is not None and url.startswith(("http://", "https://"))]


def _from_json(text: str) -> list[str]:
    try:
        rows = json.loads(text)["playlist"]["track"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    out = []
    for row in rows if isinstance(rows, list) else []:
        place = row.get("location") if isinstance(row, dict) else None
        first = place[0] if isinstance(place, list) and place else place
        out.append(str(first) if isinstance(first, str) else "")
    return out


def _from_xml(text: str) -> list[str]:
    try:
        root = ElementTree.fromstring(text.lstrip())  # noqa: S314 - expat ends what expands too far
    except (ElementTree.ParseError, ValueError):
        return []
    return [(track.findtext(f".//{_XSPF}location") or "") for track in root.iter(f"{_XSPF}track")]


def href(base: str, place: str) -> str | None:
    """A URL resolved as by browsers (https://url.spec.whatwg.org) for http and https; None where it is invalid."""
    clean = re.sub(r"[\t\n\r]", "", place.strip(_CONTROLS))
    scheme = clean.split(":", 1)[0].lower() if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", clean) else ""
    if scheme and scheme not in _PORTS:
        return clean
    path, mark, rest = re.split(r"([?#])", clean, maxsplit=1) if re.search(r"[?#]", clean) else (clean, "", "")
    path = path.replace("\\", "/")
    if scheme and not re.match(r"[A-Za-z]+:/", path):
        # "https:song.sps" is relative to a base of the same scheme.
        path = path.split(":", 1)[1] if base.lower().startswith(f"{scheme}:") else f"{scheme}://{path.split(':', 1)[1]}"
    try:
        parts = urlsplit(urljoin(base, path + mark + rest))
        host = (
            (parts.hostname or "").encode("idna").decode("ascii")
            if not _is_ascii(parts.hostname)
            else (parts.hostname or "")
        )
        port = parts.port
    except (ValueError, UnicodeError):
        return None
    if not host:
        return None
    user = parts.netloc.rpartition("@")[0]
    address = (f"{user}@" if user else "") + (f"[{host}]" if ":" in host else host)
    netloc = address if port in (None, _PORTS.get(parts.scheme)) else f"{address}:{port}"
    query = quote(parts.query, safe="!$%&()*+,/:;=?@[\\]^_`{|}~-.")
    fragment = quote(parts.fragment, safe="!#$%&'()*+,/:;=?@[\\]^_{|}~-.")
    return SplitResult(
        parts.scheme, netloc, quote(parts.path or "/", safe="!$%&'()*+,/:;=@[]^_|~-."), query, fragment
    ).geturl()


def _is_ascii(text: str | None) -> bool:
    return (text or "").isascii()


class _Player:
    """A player element and its ``<source>`` elements."""

    def __init__(self, tag: str, attributes: dict[str, str | None]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.sources: list[str] = []
        self.is_self = tag == PLAYER and "data-sps" in attributes and not attributes.get("src")

    def names(self, page: str) -> Iterator[tuple[str, bool]]:
        """URLs as written in the page; True for a list."""
        src = self.attributes.get("src") if self.tag == PLAYER else self.attributes.get("data-sps")
        if self.attributes.get("playlist"):
            yield str(self.attributes["playlist"]), True
        elif self.is_self:
            yield page.split("#", 1)[0], False
        elif src:
            yield src, False
        else:
            yield from ((place, False) for place in self.sources)


class _Page(HTMLParser):
    """Players of a page, also in declarative open shadow roots; not in templates, comments and text."""

    CDATA_CONTENT_ELEMENTS = _RAW  # type: ignore[misc]  # HTMLParser reads it from the class

    def __init__(self) -> None:
        super().__init__()
        self.players: list[_Player] = []
        self.links: list[str] = []
        self.base: str | None = None
        self.is_song = False
        """True where the page carries a song (docs/format/html.md)."""
        self._open: list[tuple[str, _Player | None, bool]] = []
        """Open elements: name, player, and whether their content is not rendered (templates, closed roots)."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        attributes = dict(reversed(attrs))
        is_hidden = any(hides or name in _FOREIGN for name, _, hides in self._open)
        player = None if is_hidden else self._read(tag, attributes)
        if tag not in _VOID and tag not in self.CDATA_CONTENT_ELEMENTS:
            hides = tag == "template" and (attributes.get("shadowrootmode") or "").lower() != "open"
            self._open.append((tag, player, hides))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Self-closing tags count in SVG and MathML only; elsewhere the element stays open."""
        if tag not in _FOREIGN and not any(name in _FOREIGN for name, _, _ in self._open):
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close the newest element of that name, and what is still open in it."""
        places = [i for i, (name, _, _) in enumerate(self._open) if name == tag]
        if places:
            del self._open[places[-1] :]

    def _read(self, tag: str, attributes: dict[str, str | None]) -> _Player | None:
        in_root = any(name == "template" for name, _, _ in self._open)
        if tag == "base" and not in_root and self.base is None and attributes.get("href") is not None:
            self.base = attributes["href"]
        elif tag == "meta" and attributes.get("name") == "sps" and _SELF.fullmatch(attributes.get("content") or ""):
            self.is_song = True
        elif tag == "a" and re.search(r"\.sps(?:\.html)?(?:[?#].*)?$", attributes.get("href") or ""):
            self.links.append(str(attributes["href"]))
        elif tag == "source" and attributes.get("src"):
            for _, player, _ in self._open:
                if player is not None and player.tag == PLAYER:
                    player.sources.append(str(attributes["src"]))
        elif tag == PLAYER or (tag == "audio" and "data-sps" in attributes):
            self.players.append(_Player(tag, attributes))
            return self.players[-1]
        return None
