"""Which rendition of a song is played: the best that the browser decodes and the connection carries.

Host and renderer each choose by this function from the same words, and so choose the same.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pywallet.errors import InputError
from pywallet.sps.container import PREFIX_SIZE
from pywallet.sps.file_layout import rendition_offset
from pywallet.sps.header import Header, Rendition

HEADROOM: Final = 1.5
"""A connection must carry so many times a rendition's rate, or a gap in it is heard."""


def bitrate_kbps(rendition: Rendition) -> float:
    """Mean kbit/s of the sealed segments."""
    size = sum(segment.size for segment in rendition.segments)
    return size * 8 * rendition.rate / max(1, rendition.samples) / 1000


def offset(header: Header, header_size: int, index: int) -> int:
    """Where a rendition's init part begins in the file, bytes; ``header_size`` is the COSE's."""
    return rendition_offset(header.renditions, index, PREFIX_SIZE + header_size)


def choose(header: Header, codecs: Collection[str] | None, kbps: int | None) -> int:
    """Index of the rendition: the owner lists the best first.

    ``codecs``: those the browser decodes ("flac", "opus"), None: the first rendition will do. ``kbps``: what the
    connection was seen to carry, None if unknown. Raises InputError ``media.unsupported`` where nothing of it can be
    decoded.
    """
    if codecs is None:
        return 0
    able = [index for index, one in enumerate(header.renditions) if one.codec in codecs]
    if not able:
        raise InputError("media.unsupported", codecs=", ".join(sorted({one.codec for one in header.renditions})))
    if kbps is None:
        return able[0]
    fitting = [index for index in able if bitrate_kbps(header.renditions[index]) * HEADROOM <= kbps]
    return fitting[0] if fitting else min(able, key=lambda index: bitrate_kbps(header.renditions[index]))
