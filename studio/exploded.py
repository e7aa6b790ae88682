"""Exploded packaging: a song as parts named by their hashes, for content networks (docs/format/exploded.md)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.owner import AtomicWrite
from studio.reader import SongFile
from studio.sources import HEADER, part_name

__all__ = ["HEADER", "ExplodedResult", "assemble", "part_name", "write"]


@dataclass(frozen=True)
class ExplodedResult:
    """The folder written: number of distinct ``parts`` besides the header, total ``size`` in bytes."""

    path: Path
    parts: int
    size: int


def write(song: Path, directory: Path) -> ExplodedResult:
    """Write a song's parts and, last, its header; correct existing parts are kept, other files are not touched.

    Raises:
        InputError: ``sps.*``: not a song, truncated, or parts that do not match the header.
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
    return ExplodedResult(directory, len(sizes), sum(sizes.values()) + len(prefix))


def _keep(path: Path, data: bytes, sizes: dict[str, int]) -> None:
    if path.name not in sizes and not (path.is_file() and path.read_bytes() == data):
        with AtomicWrite(path, 0o644) as temporary:
            temporary.write_bytes(data)
    sizes[path.name] = len(data)


def assemble(directory: Path | str, output: Path) -> int:
    """Write the single file from its parts, byte for byte and atomically; returns its size, bytes.

    Raises:
        InputError: ``sps.*``: an invalid header; ``sps.segment.missing``; ``sps.segment.hash``: an altered part.
    """
    with SongFile(directory) as song, AtomicWrite(output, 0o644) as temporary, temporary.open("wb") as file:
        song.check_size()
        size = file.write(song.container.prefix())
        for place, track in enumerate(song.header.renditions):
            size += file.write(song.init(place))
            size += sum(file.write(song.segment(index, place)) for index in range(len(track.segments)))
    return size
