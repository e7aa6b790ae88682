"""A song in parts named by their hashes, for content networks (docs/format/exploded.md).

The same bytes as the single file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.owner import Replacing
from studio.reader import SongFile
from studio.sources import HEADER, part_name

__all__ = ["HEADER", "Exploded", "assemble", "part_name", "write"]


@dataclass(frozen=True)
class Exploded:
    """The result: ``parts`` beside the header (equal ones once), total ``size`` in bytes."""

    path: Path
    parts: int
    size: int


def write(song: Path, directory: Path) -> Exploded:
    """Write a song's parts and, last, its header.

    What is there and right is kept; what belongs to no part of it is left alone.

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
    # The header is written last: its presence means that all parts are present.
    _keep(directory / HEADER, prefix, {})
    return Exploded(directory, len(sizes), sum(sizes.values()) + len(prefix))


def _keep(path: Path, data: bytes, sizes: dict[str, int]) -> None:
    if path.name not in sizes and not (path.is_file() and path.read_bytes() == data):
        with Replacing(path, 0o644) as temporary:
            temporary.write_bytes(data)
    sizes[path.name] = len(data)


def assemble(directory: Path | str, output: Path) -> int:
    """The single file again, byte for byte; its size. Whole or not at all.

    Raises InputError ``sps.*``: a header that is none, ``sps.segment.missing``, ``sps.segment.hash`` for an altered
    part.
    """
    with SongFile(directory) as song, Replacing(output, 0o644) as temporary, temporary.open("wb") as file:
        song.check_size()
        size = file.write(song.container.prefix())
        for place, track in enumerate(song.header.renditions):
            size += file.write(song.init(place))
            size += sum(file.write(song.segment(index, place)) for index in range(len(track.segments)))
    return size
