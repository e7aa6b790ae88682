"""Reader of a song in any packaging: verified header, parts checked against their hashes."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pywallet.errors import InputError
from pywallet.sps import ByteRange, open_header, segment_aad, segment_key
from pywallet.sps.segments import NONCE, TAG
from studio.owner import ContentKeys
from studio.sources import open_source


class SongFile:
    """An open song; a context manager.

    Args:
        path: An SPS file, its page, or its exploded folder (a path, or a URL).

    Raises:
        InputError: ``sps.*``: no valid signed header.
        Unavailable: ``server.unreachable`` for a URL.
    """

    def __init__(self, path: Path | str) -> None:
        self._source = open_source(path)
        try:
            self.container = self._source.container()
            self.header = open_header(self.container.cose)
        except BaseException:
            self._source.close()
            raise
        self._extents = self.container.extents(self.header)
        self.expected = self.container.size(self.header)
        """The single file's size by its header, in bytes."""

    def __enter__(self) -> SongFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._source.close()

    def check_size(self) -> None:
        """Check the size. Raises ``sps.truncated``; ``sps.header.malformed``: bytes after the last segment."""
        self._source.check_size(self.expected)

    def check_parts(self) -> None:
        """Check size and hashes of all parts. Raises ``sps.truncated``, ``sps.segment.*``, ``sps.header.malformed``."""
        self.check_size()
        for place, track in enumerate(self.header.renditions):
            self.init(place)
            for index in range(len(track.segments)):
                self.segment(index, place)

    def init(self, rendition: int = 0) -> bytes:
        """A rendition's init segment. Raises ``sps.truncated``, ``sps.segment.missing``, ``sps.segment.hash``."""
        return self._part(self._extents[rendition][0], self.header.renditions[rendition].init_sha256, "init")

    def segment(self, index: int, rendition: int = 0) -> bytes:
        """A sealed segment. Raises ``sps.truncated``, ``sps.segment.missing``, ``sps.segment.hash``."""
        return self._part(
            self._extents[rendition][1][index], self.header.renditions[rendition].segments[index].sha256, index
        )

    def clear(self, index: int, keys: ContentKeys, rendition: int = 0) -> bytes:
        """A segment's plaintext. Raises as ``segment``, and ``sps.segment.tag``."""
        track, sealed = self.header.renditions[rendition], self.segment(index, rendition)
        epoch = track.key_epoch(index)
        if epoch not in keys.keys or len(sealed) < NONCE + TAG:
            raise InputError("sps.segment.tag", segment=index, epoch=epoch)
        key = segment_key(keys.keys[epoch], track.id, index)
        try:
            return AESGCM(key).decrypt(
                sealed[:NONCE], sealed[NONCE:], segment_aad(self.header.content, track.id, epoch, index)
            )
        except InvalidTag:
            raise InputError("sps.segment.tag", segment=index) from None

    def _part(self, extent: ByteRange, digest: bytes, name: int | str) -> bytes:
        data = self._source.part(extent, digest)
        if len(data) != extent.size or sha256(data).digest() != digest:
            raise InputError("sps.segment.hash", part=name)
        return data
