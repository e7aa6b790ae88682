"""The ``Content-Range`` of a partial answer (RFC 9110 section 14.4), as extension/engine/media/content_range.js reads
it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_RANGE: Final = re.compile(r"\s*bytes[ =]+(\d{1,15})\s*-\s*(\d{1,15})\s*/\s*(\d{1,15}|\*)\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class ContentRange:
    """Bytes [first, end) of a file; ``total``: its size in bytes, None where it is unknown."""

    first: int
    end: int
    total: int | None


def content_range(text: str) -> ContentRange | None:
    """Read a ``Content-Range`` of an answer with status 206; None for what names no range."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    total = None if match[3] == "*" else int(match[3])
    came = ContentRange(int(match[1]), int(match[2]) + 1, total)
    return came if came.end > came.first and (total is None or came.end <= total) else None
