"""An SPS file on the disk, or the page that carries one, read through the page cache: its verified header, and parts whose hashes agree."""

from __future__ import annotations

import mmap
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pywallet.errors import InputError
from pywallet.sps import Container, Extent, open_header, segment_aad, segment_key
from pywallet.sps.container import PREFIX_SIZE, header_length
from pywallet.sps.polyglot import CLOSING, DOCTYPE, MAX_PROLOGUE, Place, find, is_page
from pywallet.sps.segments import NONCE, TAG
from studio.owner import ContentKeys


class SongFile:
    """A context manager. Opening raises InputError ``sps.*`` for what has no valid signed header."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._map: mmap.mmap | None = None
        try:
            self.place: Place | None = None
            """Where the song lies, if the file is a page."""
            start = self._file.read(len(DOCTYPE))
            if is_page(start):
                self.place = find(start + self._file.read(MAX_PROLOGUE - len(start)))
            self._base = self.place.offset if self.place else 0
            start = self._read(0, PREFIX_SIZE)
            self.container = Container.read(start + self._read(len(start), header_length(start)))
            self.header = open_header(self.container.cose)
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        except BaseException:
            self._file.close()
            raise
        self._extents = self.container.extents(self.header)
        self.expected = self.container.size(self.header)
        """The file's size by its header, in bytes."""

    def __enter__(self) -> SongFile:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._map is not None
        self._map.close()
        self._file.close()

    def _read(self, at: int, size: int) -> bytes:
        """Bytes of the song's beginning."""
        self._file.seek(self._base + at)
        data = self._file.read(size)
        return self.place.restore(data, at) if self.place else data

    def check_size(self) -> None:
        """Raises ``sps.truncated``, or ``sps.header.malformed`` when something follows the last segment."""
        assert self._map is not None
        size = len(self._map) - self._base
        if self.place is not None:
            if (
                self.place.size == self.expected
                and self._map[self._base + self.expected : self._base + self.expected + len(CLOSING)] == CLOSING
            ):
                return
            size = min(size, self.place.size)
        if size < self.expected:
            raise InputError("sps.truncated", size=size, expected=self.expected)
        if size > self.expected:
            raise InputError("sps.header.malformed", reason="bytes after the last segment", size=size, expected=self.expected)

    def init(self, rendition: int = 0) -> bytes:
        """A rendition's init part. Raises ``sps.truncated``, ``sps.segment.hash``."""
        return self._part(self._extents[rendition][0], self.header.renditions[rendition].init_sha256, "init")

    def segment(self, index: int, rendition: int = 0) -> bytes:
        """A sealed segment. Raises ``sps.truncated``, ``sps.segment.hash``."""
        return self._part(self._extents[rendition][1][index], self.header.renditions[rendition].segments[index].sha256, index)

    def clear(self, index: int, keys: ContentKeys, rendition: int = 0) -> bytes:
        """A segment, opened. Raises also ``sps.segment.tag``."""
        track, sealed = self.header.renditions[rendition], self.segment(index, rendition)
        epoch = track.key_epoch(index)
        if epoch not in keys.keys or len(sealed) < NONCE + TAG:
            raise InputError("sps.segment.tag", segment=index, epoch=epoch)
        key = segment_key(keys.keys[epoch], track.id, index)
        try:
            return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], segment_aad(self.header.content, track.id, epoch, index))
        except InvalidTag:
            raise InputError("sps.segment.tag", segment=index) from None

    def _part(self, extent: Extent, digest: bytes, name: int | str) -> bytes:
        assert self._map is not None
        data = self._map[self._base + extent.offset : self._base + extent.end]
        if self.place is not None:
            data = self.place.restore(data, extent.offset)
        if len(data) < extent.size:
            raise InputError("sps.truncated", part=name)
        if sha256(data).digest() != digest:
            raise InputError("sps.segment.hash", part=name)
        return data
