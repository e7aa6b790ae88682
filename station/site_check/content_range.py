"""The ``Content-Range`` of a partial response (RFC 9110 section 14.4), read as by the extension.

The extension's reader is ``extension/engine/media/content_range.js``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_RANGE: Final = re.compile(r"\s*bytes[ =]+(\d{1,15})\s*-\s*(\d{1,15})\s*/\s*(\d{1,15}|\*)\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class ContentRange:
    """Bytes [first, end) of a file; ``total`` is its size in bytes, None where it is unknown."""

    first: int
    end: int
    total: int | None


def content_range(text: str) -> ContentRange | None:
    """Parse a ``Content-Range`` of a 206 response; None where it is malformed."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    total = None if match[3] == "*" else int(match[3])
    span = ContentRange(int(match[1]), int(match[2]) + 1, total)
    return span if span.end > span.first and (total is None or span.end <= total) else None
