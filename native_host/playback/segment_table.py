"""Segment table of one rendition: places of its parts in the file, and their times."""

from __future__ import annotations

from dataclasses import dataclass

from pywallet.encoding.hex import to_b64
from pywallet.sps import rendition_choice
from pywallet.sps.file_layout import SegmentEntry, segment_entries
from pywallet.sps.header import Header, Rendition
from pywallet.sps.segment_index import SegmentIndex


@dataclass(frozen=True)
class Table:
    """One rendition of a header.

    Attributes:
        rendition: As the header has it.
        init: Offset from the file's start and size, bytes, and SHA-256 of its init part.
        segments: Its sealed segments.
    """

    rendition: Rendition
    init: tuple[int, int, bytes]
    segments: tuple[SegmentEntry, ...]

    @property
    def index(self) -> SegmentIndex:
        """Times of its segments."""
        return self.rendition.index

    def entries(self) -> list[tuple[int, int, int, int, str]]:
        """``segments`` in the result of ``open``."""
        return [(*row[:-1], to_b64(row.sha256)) for row in self.segments]


def build(header: Header, cose_length: int, index: int = 0) -> Table:
    """The table of a rendition.

    Args:
        header: The content's header.
        cose_length: Length of the signed header in the file, bytes.
        index: Index of the rendition in the header.
    """
    rendition = header.renditions[index]
    offset = rendition_choice.offset(header, cose_length, index)
    return Table(
        rendition, (offset, rendition.init_size, rendition.init_sha256), tuple(segment_entries(rendition, offset))
    )
