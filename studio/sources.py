"""Sources of a song's bytes.

The single file, the page that carries it, the exploded packaging in a folder or at a URL.
"""

from __future__ import annotations

import mmap
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final, Protocol

from pywallet.errors import InputError, Unavailable
from pywallet.sps import MAX_HEADER, ByteRange, Container
from pywallet.sps.container import PREFIX_SIZE, header_length
from pywallet.sps.polyglot import CLOSING, DOCTYPE, MAX_PROLOGUE, EmbeddedSong, find_song, is_page

HEADER: Final = "header.sps"
"""In the exploded packaging, the single file's beginning: magic, length and signed header, and nothing after it."""
SUFFIX: Final = ".part"
TIMEOUT_S: Final = 15


def part_name(digest: bytes) -> str:
    """The exploded packaging's file name of an init part or of a sealed segment."""
    return digest.hex() + SUFFIX


class Source(Protocol):
    """Bytes of one packaging. Parts are returned as they are found: the caller holds them against their hashes."""

    def container(self) -> Container:
        """The beginning. Raises InputError ``sps.*``."""

    def check_size(self, expected: int) -> None:
        """Hold the whole size, if the packaging has one, against the header's, in bytes."""

    def part(self, extent: ByteRange, digest: bytes) -> bytes:
        """An init part or sealed segment by its place in the single file, or by its hash.

        Raises ``sps.segment.missing``.
        """

    def close(self) -> None:
        """Release what is open."""


def open_source(place: Path | str) -> Source:
    """The source at a path (file, page or folder) or at the URL of an exploded folder.

    Raises InputError ``message.schema`` for the URL of a single file or of a page.
    """
    if isinstance(place, str) and place.startswith(("http://", "https://")):
        return Remote(place)
    path = Path(place)
    return Folder(path) if path.is_dir() else Single(path)


class Single:
    """A file, or the page that carries one, read through the page cache."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._map: mmap.mmap | None = None
        self.place: EmbeddedSong | None = None
        """The song's place, if the file is a page."""

    def container(self) -> Container:
        """The beginning. Raises InputError ``sps.*``."""
        start = self._file.read(len(DOCTYPE))
        if is_page(start):
            self.place = find_song(start + self._file.read(MAX_PROLOGUE - len(start)))
        self._base = self.place.offset if self.place else 0
        start = self._read(0, PREFIX_SIZE)
        container = Container.read(start + self._read(len(start), header_length(start)))
        self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return container

    def _read(self, at: int, size: int) -> bytes:
        self._file.seek(self._base + at)
        data = self._file.read(size)
        return self.place.restore(data, at) if self.place else data

    def check_size(self, expected: int) -> None:
        """Raises ``sps.truncated``, or ``sps.header.malformed`` when something follows the last segment."""
        assert self._map is not None
        size = len(self._map) - self._base
        if self.place is not None:
            if (
                self.place.size == expected
                and self._map[self._base + expected : self._base + expected + len(CLOSING)] == CLOSING
            ):
                return
            size = min(size, self.place.size)
        if size < expected:
            raise InputError("sps.truncated", size=size, expected=expected)
        if size > expected:
            raise InputError(
                "sps.header.malformed", reason="bytes after the last segment", size=size, expected=expected
            )

    def part(self, extent: ByteRange, digest: bytes) -> bytes:
        """The bytes at a place. Raises ``sps.truncated``."""
        assert self._map is not None
        data = self._map[self._base + extent.offset : self._base + extent.end]
        if len(data) < extent.size:
            raise InputError("sps.truncated", offset=extent.offset, size=extent.size)
        return self.place.restore(data, extent.offset) if self.place else data

    def close(self) -> None:
        """Close file and map."""
        if self._map is not None:
            self._map.close()
        self._file.close()


class Exploded(ABC):
    """A header and parts, each under a name of its own."""

    @abstractmethod
    def fetch(self, name: str, most: int) -> bytes | None:
        """A file's bytes, at most ``most`` of them and one more; None where there is no such file."""

    def container(self) -> Container:
        """The beginning. Raises InputError ``sps.*``, ``sps.segment.missing`` where there is no header."""
        data = self.fetch(HEADER, PREFIX_SIZE + MAX_HEADER)
        if data is None:
            raise InputError("sps.segment.missing", part=HEADER)
        container = Container.read(data)
        self._excess = len(data) - container.body
        return container

    def check_size(self, expected: int) -> None:
        """Raises ``sps.header.malformed`` when something follows the header."""
        if self._excess:
            raise InputError("sps.header.malformed", reason="bytes after the header", file=HEADER)

    def part(self, extent: ByteRange, digest: bytes) -> bytes:
        """A part by its hash. Raises ``sps.segment.missing``."""
        data = self.fetch(part_name(digest), extent.size)
        if data is None:
            raise InputError("sps.segment.missing", part=part_name(digest))
        return data

    def close(self) -> None:  # noqa: B027 -- folders and URLs hold nothing open, and may leave it
        """Nothing stays open."""


class Folder(Exploded):
    """The exploded packaging on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fetch(self, name: str, most: int) -> bytes | None:
        """A file's bytes."""
        path = self._path / name
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(most + 1)


class Remote(Exploded):
    """The exploded packaging at a URL that ends in ``/``."""

    def __init__(self, url: str) -> None:
        if url.endswith((".sps", ".html")):
            raise InputError(
                "message.schema",
                field="file",
                reason="only an exploded folder is read from its URL; download the file first",
            )
        self._base = url if url.endswith("/") else url + "/"

    def fetch(self, name: str, most: int) -> bytes | None:
        """A response's body; 404 and 410 are no file. Raises Unavailable ``server.unreachable``."""
        url = self._base + name
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as reply:  # noqa: S310 - open_source checked the scheme
                data: bytes = reply.read(most + 1)
                return data
        except urllib.error.HTTPError as e:
            if e.code in (404, 410):
                return None
            raise Unavailable("server.unreachable", url=url, status=e.code) from None
        except (OSError, ValueError) as e:
            raise Unavailable("server.unreachable", url=url, reason=e) from None
