"""The station's catalogue: ``.sps`` files, read from their signed headers."""

from __future__ import annotations

import logging
import math
import re
import time
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pywallet.errors import GomaaError, InputError
from pywallet.policy import Policy
from pywallet.sps import MAGIC, MAX_HEADER, Header, open_header
from station.catalogue.similar import LIMIT, Neighbours, SimilarSong

RESCAN_S = 1.0
"""Shortest time between two scans of the folder, s."""

log = logging.getLogger("gomaa.station")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Song:
    """One recording of the catalogue.

    Attributes:
        name: Name in URLs.
        path: The file.
        content: Content address, 20 bytes.
        owner: Owner's address by the header, 20 bytes.
        title: Title.
        artist: Artist.
        album: Album, or None.
        duration_ms: Length, ms.
        quality: Codec and sample rate in words.
        policy: The terms.
        policy_hash: Their hash, 32 bytes.
        server: Address of the header's security server, 20 bytes.
        server_url: That server's URL.
        chain_id: EIP-155 chain id.
        waveform: One byte per bucket, peak 0 to 255, or empty.
        size: Bytes of the file.
        genre: Genre, or None.
        features: Packed measures (``pywallet.sps.likeness``), or empty.
    """

    name: str
    path: Path
    content: bytes
    owner: bytes
    title: str
    artist: str
    album: str | None
    duration_ms: int
    quality: str
    policy: Policy
    policy_hash: bytes
    server: bytes
    server_url: str
    chain_id: int
    waveform: bytes
    size: int
    genre: str | None = None
    features: bytes = b""


class Catalogue:
    """Songs by name and by content. Changes of the folder take effect within ``RESCAN_S``.

    Args:
        source: A folder of ``.sps`` files, or a TOML file with ``songs = ["one.sps", …]``.

    Attributes:
        problems: Error messages of files that are left out, by file name.
    """

    def __init__(self, source: Path) -> None:
        self._source = source
        self._state: tuple[tuple[str, int, int], ...] = ()
        self._names: Mapping[str, Song] = MappingProxyType({})
        self._contents: Mapping[bytes, Song] = MappingProxyType({})
        self._neighbours = Neighbours(())
        self.problems: Mapping[str, str] = MappingProxyType({})
        self._scanned_s = -math.inf
        self.refresh()

    def __len__(self) -> int:
        return len(self.songs)

    @property
    def songs(self) -> tuple[Song, ...]:
        """All songs, by name."""
        self._rescan()
        return tuple(self._names.values())

    def named(self, name: str) -> Song | None:
        """The song at ``/song/NAME``."""
        self._rescan()
        return self._names.get(name)

    def of(self, content: bytes) -> Song | None:
        """The song with this content address."""
        self._rescan()
        return self._contents.get(content)

    def like(self, song: Song, limit: int = LIMIT) -> list[tuple[Song, SimilarSong]]:
        """Similar songs, nearest first, each with its match."""
        self._rescan()
        return [(self._names[match.name], match) for match in self._neighbours.like(song.name, limit)]

    def _rescan(self) -> None:
        """Refresh, unless the last scan is recent."""
        # Headers are read again only when a file changed: this costs one stat per song.
        if time.monotonic() - self._scanned_s >= RESCAN_S:
            self.refresh()

    def refresh(self) -> bool:
        """Read the files again if one was added, removed or changed; returns True if so."""
        self._scanned_s = time.monotonic()
        try:
            paths = sorted(_files(self._source))
            state = tuple((str(path), stat.st_mtime_ns, stat.st_size) for path in paths for stat in [path.stat()])
        except (OSError, GomaaError) as error:
            self.problems = MappingProxyType({self._source.name: str(error)})
            return False
        if state == self._state:
            return False
        names: dict[str, Song] = {}
        contents: dict[bytes, Song] = {}
        problems: dict[str, str] = {}
        for path in paths:
            try:
                song = read_song(path)
            except (GomaaError, OSError) as error:
                problems[path.name] = str(error)
                log.warning("left out %s: %s", path.name, error)
                continue
            if song.name in names or song.content in contents:
                problems[path.name] = "the same song or name is here already"
                continue
            names[song.name] = contents[song.content] = song
        self._state = state
        self._neighbours = Neighbours(names.values())
        self._names, self._contents, self.problems = (
            MappingProxyType(names),
            MappingProxyType(contents),
            MappingProxyType(problems),
        )
        return True


def _files(source: Path) -> Iterable[Path]:
    if source.is_dir():
        return [path for path in source.iterdir() if path.suffix == ".sps" and path.is_file()]
    try:
        listed = tomllib.loads(source.read_text(encoding="utf-8")).get("songs", [])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError("message.schema", file=source.name, reason=error) from error
    if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        raise InputError("message.schema", field="songs", reason="a list of file names")
    return [source.parent / item for item in listed]


def read_song(path: Path) -> Song:
    """Read a song's header and verify its signature; segments are not read.

    Raises:
        InputError: ``sps.*``, ``policy.malformed``.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(len(MAGIC) + 4)
        if start[: len(MAGIC)] != MAGIC:
            raise InputError("sps.magic", file=path.name)
        if len(start) < len(MAGIC) + 4:
            raise InputError("sps.truncated", file=path.name)
        length = int.from_bytes(start[len(MAGIC) :], "big")
        if length > MAX_HEADER:
            raise InputError("sps.header.malformed", file=path.name, length=length)
        raw = file.read(length)
        if len(raw) < length:
            raise InputError("sps.truncated", file=path.name)
    return _song(path, open_header(raw))


def _song(path: Path, header: Header) -> Song:
    rendition = header.renditions[0]
    name = path.stem if _NAME.fullmatch(path.stem) else f"song-{header.content.hex()[:12]}"
    sound = (
        f"{rendition.codec.upper()} {rendition.bits} bit, "
        if rendition.codec == "flac"
        else f"{rendition.codec.capitalize()}, "
    )
    return Song(
        name=name,
        path=path,
        content=header.content,
        owner=header.owner,
        title=header.title,
        artist=header.artist,
        album=header.album,
        duration_ms=rendition.duration_ms,
        quality=f"{sound}{rendition.rate / 1000:g} kHz",
        policy=Policy.from_dict(header.policy),
        policy_hash=header.policy_hash,
        server=header.server.address,
        server_url=header.server.url,
        chain_id=header.chain,
        waveform=header.waveform or b"",
        size=path.stat().st_size,
        genre=header.genre,
        features=header.features,
    )
