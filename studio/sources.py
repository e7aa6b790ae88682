"""Byte sources of a song: the single file, the page around it, the exploded packaging in a folder or at a URL."""

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
"""File of the exploded packaging with magic, length and signed header."""
SUFFIX: Final = ".part"
TIMEOUT_S: Final = 15


def part_name(digest: bytes) -> str:
    """File name of an init segment or sealed segment in the exploded packaging, by its SHA-256."""
    return digest.hex() + SUFFIX


class Source(Protocol):
    """Bytes of one packaging; the caller checks parts against their hashes."""

    def container(self) -> Container:
        """Read the header. Raises InputError ``sps.*``."""

    def check_size(self, expected: int) -> None:
        """Compare the packaging's size, if it has one, with the size by the header, bytes."""

    def part(self, extent: ByteRange, digest: bytes) -> bytes:
        """Read an init segment or sealed segment.

        Args:
            extent: Its range in the single file.
            digest: Its SHA-256.

        Raises:
            InputError: ``sps.truncated``, ``sps.segment.missing``.
        """

    def close(self) -> None:
        """Close open files."""


def open_source(place: Path | str) -> Source:
    """The source at a path (file, page or folder) or at the URL of an exploded folder.

    Raises:
        InputError: ``message.schema``: the URL of a single file or of a page.
    """
    if isinstance(place, str) and place.startswith(("http://", "https://")):
        return UrlSource(place)
    path = Path(place)
    return FolderSource(path) if path.is_dir() else FileSource(path)


class FileSource:
    """A single file, or a page that contains one, memory-mapped."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._map: mmap.mmap | None = None
        self.place: EmbeddedSong | None = None
        """Position of the song, if the file is a page."""

    def container(self) -> Container:
        """Read the header. Raises InputError ``sps.*``."""
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
        """Raises ``sps.truncated``; ``sps.header.malformed``: bytes after the last segment."""
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
        """Read a range. Raises ``sps.truncated``."""
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


class ExplodedSource(ABC):
    """The exploded packaging: header and parts as files of their own."""

    @abstractmethod
    def fetch(self, name: str, limit: int) -> bytes | None:
        """Read a file, at most ``limit`` bytes and one more; None where it does not exist."""

    def container(self) -> Container:
        """Read the header. Raises InputError ``sps.*``; ``sps.segment.missing``: no header."""
        data = self.fetch(HEADER, PREFIX_SIZE + MAX_HEADER)
        if data is None:
            raise InputError("sps.segment.missing", part=HEADER)
        container = Container.read(data)
        self._excess = len(data) - container.body
        return container

    def check_size(self, expected: int) -> None:
        """Raises ``sps.header.malformed``: bytes after the header."""
        if self._excess:
            raise InputError("sps.header.malformed", reason="bytes after the header", file=HEADER)

    def part(self, extent: ByteRange, digest: bytes) -> bytes:
        """Read a part by its hash. Raises ``sps.segment.missing``."""
        data = self.fetch(part_name(digest), extent.size)
        if data is None:
            raise InputError("sps.segment.missing", part=part_name(digest))
        return data

    def close(self) -> None:  # noqa: B027 -- folders and URLs keep no file open
        """Nothing is open between calls."""


class FolderSource(ExplodedSource):
    """The exploded packaging on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fetch(self, name: str, limit: int) -> bytes | None:
        """Read a file; None where it does not exist."""
        path = self._path / name
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(limit + 1)


class UrlSource(ExplodedSource):
    """The exploded packaging at a URL that ends in ``/``."""

    def __init__(self, url: str) -> None:
        if url.endswith((".sps", ".html")):
            raise InputError(
                "message.schema",
                field="file",
                reason="only an exploded folder is read from its URL; download the file first",
            )
        self._base = url if url.endswith("/") else url + "/"

    def fetch(self, name: str, limit: int) -> bytes | None:
        """Fetch a file; None for status 404 and 410. Raises Unavailable ``server.unreachable``."""
        url = self._base + name
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as reply:  # noqa: S310 - open_source checked the scheme
                data: bytes = reply.read(limit + 1)
                return data
        except urllib.error.HTTPError as e:
            if e.code in (404, 410):
                return None
            raise Unavailable("server.unreachable", url=url, status=e.code) from None
        except (OSError, ValueError) as e:
            raise Unavailable("server.unreachable", url=url, reason=e) from None
