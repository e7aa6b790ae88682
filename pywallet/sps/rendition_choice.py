"""Choice of a song's rendition: the best that the browser can decode and the connection can carry.

Host and player call the same function with the same arguments.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pywallet.errors import InputError
from pywallet.sps.container import PREFIX_SIZE
from pywallet.sps.file_layout import rendition_offset
from pywallet.sps.header import Header, Rendition

HEADROOM: Final = 1.5
"""Factor from a rendition's bit rate to the one that a connection must carry, so that variations cause no gap."""


def bitrate_kbps(rendition: Rendition) -> float:
    """Mean bit rate of the sealed segments, kbit/s."""
    size = sum(segment.size for segment in rendition.segments)
    return size * 8 * rendition.rate / max(1, rendition.samples) / 1000


def offset(header: Header, header_size: int, index: int) -> int:
    """Offset of a rendition in the file, bytes; ``header_size`` is the size of the signed header."""
    return rendition_offset(header.renditions, index, PREFIX_SIZE + header_size)


def choose(header: Header, codecs: Collection[str] | None, kbps: int | None) -> int:
    """Choose a rendition; the header lists the best first.

    Args:
        header: The song's header.
        codecs: Codecs that the browser decodes (``flac``, ``opus``); None: the first rendition is chosen.
        kbps: Measured rate of the connection, kbit/s; None: unknown.

    Returns:
        Index of the rendition.

    Raises:
        InputError: ``media.unsupported`` where the browser decodes none of them.
    """
    if codecs is None:
        return 0
    decodable = [index for index, rendition in enumerate(header.renditions) if rendition.codec in codecs]
    if not decodable:
        offered = sorted({rendition.codec for rendition in header.renditions})
        raise InputError("media.unsupported", codecs=", ".join(offered))
    if kbps is None:
        return decodable[0]
    fitting = [index for index in decodable if bitrate_kbps(header.renditions[index]) * HEADROOM <= kbps]
    return fitting[0] if fitting else min(decodable, key=lambda index: bitrate_kbps(header.renditions[index]))
