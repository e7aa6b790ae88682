"""Offsets and sizes of a rendition's parts in a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pywallet.sps.header import Rendition


class SegmentEntry(NamedTuple):
    """One segment of a rendition in a file."""

    offset: int
    """Bytes from the file's start."""
    size: int
    """Sealed bytes."""
    start_ms: int
    duration_ms: int
    sha256: bytes
    """SHA-256 of the sealed bytes."""


def rendition_size(rendition: Rendition) -> int:
    """Size of a rendition in a file: its init segment and sealed segments, bytes."""
    return rendition.init_size + sum(segment.size for segment in rendition.segments)


def rendition_offset(renditions: Sequence[Rendition], index: int, body: int) -> int:
    """Offset of a rendition in a file, bytes; ``body`` is the offset of the first one."""
    return body + sum(rendition_size(rendition) for rendition in renditions[:index])


def segment_entries(rendition: Rendition, offset: int) -> Iterator[SegmentEntry]:
    """Entries of a rendition's segments; ``offset`` is the rendition's in the file, bytes."""
    offset += rendition.init_size
    index = rendition.index
    for number, segment in enumerate(rendition.segments):
        start_ms = index.start_ms(number)
        yield SegmentEntry(offset, segment.size, start_ms, index.start_ms(number + 1) - start_ms, segment.sha256)
        offset += segment.size
