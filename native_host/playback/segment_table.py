"""One rendition as the player needs it: where its parts lie in the file, and when they sound."""

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
        """When its segments sound."""
        return self.rendition.index

    def to_json(self) -> dict[str, object]:
        """``rendition``, ``key_epochs``, ``init`` and ``segments`` of the reply to ``open``."""
        offset, size, digest = self.init
        return {
            "rendition": self.rendition.id,
            "codec": self.rendition.codec,
            "key_epochs": [list(pair) for pair in self.rendition.key_epochs],
            "init": {"offset": offset, "size": size, "sha256": to_b64(digest)},
            "segments": [[*row[:-1], to_b64(row.sha256)] for row in self.segments],
        }


def build(header: Header, cose_length: int, index: int = 0) -> Table:
    """The table of a rendition.

    Args:
        header: The song's.
        cose_length: Bytes of the signed header in the file.
        index: Of the rendition in the header.
    """
    rendition = header.renditions[index]
    offset = rendition_choice.offset(header, cose_length, index)
    return Table(
        rendition, (offset, rendition.init_size, rendition.init_sha256), tuple(segment_entries(rendition, offset))
    )
