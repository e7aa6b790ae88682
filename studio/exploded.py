"""A song in parts named by their hashes, for content networks (docs/format/exploded.md): the same bytes as the single file."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from pywallet.errors import InputError
from pywallet.sps import Container, open_header
from studio.owner import Replacing
from studio.reader import SongFile

HEADER: Final = "header.sps"
"""The single file's beginning: magic, length and signed header, and nothing after it."""
SUFFIX: Final = ".part"


@dataclass(frozen=True)
class Exploded:
    """What was written: ``parts`` beside the header (one for equal ones), ``size`` of all together in bytes."""

    path: Path
    parts: int
    size: int


def part_name(digest: bytes) -> str:
    """The file name of an init part or of a sealed segment."""
    return digest.hex() + SUFFIX


def write(song: Path, directory: Path) -> Exploded:
    """Write a song's parts and, last, its header. What is there and right is kept; what belongs to no part of it is left alone.

    Raises InputError ``sps.*`` for a song that is none, that is cut short, or whose parts are not what its header says.
    """
    with SongFile(song) as opened:
        opened.check_size()
        directory.mkdir(parents=True, exist_ok=True)
        sizes: dict[str, int] = {}
        for place, track in enumerate(opened.header.renditions):
            _keep(directory / part_name(track.init_sha256), opened.init(place), sizes)
            for index, row in enumerate(track.segments):
                _keep(directory / part_name(row.sha256), opened.segment(index, place), sizes)
        prefix = opened.container.prefix()
    # A header that is there says that everything is there.
    _keep(directory / HEADER, prefix, {})
    return Exploded(directory, len(sizes), sum(sizes.values()) + len(prefix))


def _keep(path: Path, data: bytes, sizes: dict[str, int]) -> None:
    if path.name not in sizes and not (path.is_file() and path.read_bytes() == data):
        with Replacing(path, 0o644) as temporary:
            temporary.write_bytes(data)
    sizes[path.name] = len(data)


def assemble(directory: Path, output: Path) -> int:
    """The single file again, byte for byte; its size. Whole or not at all.

    Raises InputError ``sps.*``: a header that is none, ``sps.segment.missing``, ``sps.segment.hash`` for an altered part.
    """
    prefix = (directory / HEADER).read_bytes()
    container = Container.read(prefix)
    header = open_header(container.cose)
    if len(prefix) != container.body:
        raise InputError("sps.header.malformed", reason="bytes after the header", size=len(prefix))
    with Replacing(output, 0o644) as temporary, temporary.open("wb") as file:
        size = file.write(prefix)
        for track in header.renditions:
            digests = [track.init_sha256, *(row.sha256 for row in track.segments)]
            size += sum(file.write(_part(directory, digest)) for digest in digests)
    container.whole(header, size)
    return size


def _part(directory: Path, digest: bytes) -> bytes:
    path = directory / part_name(digest)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError("sps.segment.missing", part=path.name) from None
    if sha256(data).digest() != digest:
        raise InputError("sps.segment.hash", part=path.name)
    return data
