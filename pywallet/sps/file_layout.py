"""Where a rendition's parts are in a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pywallet.sps.header import Rendition


class SegmentEntry(NamedTuple):
    """One segment of a rendition in a file."""

    offset: int
    """Bytes from the file's start."""
    size: int
    """Bytes, sealed."""
    start_ms: int
    duration_ms: int
    sha256: bytes
    """Of the sealed bytes."""


def rendition_size(rendition: Rendition) -> int:
    """Bytes of a rendition in a file: its init part and its sealed segments."""
    return rendition.init_size + sum(segment.size for segment in rendition.segments)


def rendition_offset(renditions: Sequence[Rendition], index: int, body: int) -> int:
    """Where a rendition's init part begins, bytes from the file's start; ``body``: where the first one's does."""
    return body + sum(rendition_size(rendition) for rendition in renditions[:index])


def segment_entries(rendition: Rendition, offset: int) -> Iterator[SegmentEntry]:
    """The segments of a rendition whose init part begins at ``offset`` bytes."""
    offset += rendition.init_size
    index = rendition.index
    for number, segment in enumerate(rendition.segments):
        start_ms = index.start_ms(number)
        yield SegmentEntry(offset, segment.size, start_ms, index.start_ms(number + 1) - start_ms, segment.sha256)
        offset += segment.size
