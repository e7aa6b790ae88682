"""Results of the site check."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import urlsplit

MAX_BYTES: Final = 8 << 20
"""Bytes read of one response."""


@dataclass(frozen=True)
class CheckResult:
    """Result of one check.

    Attributes:
        name: Name of the check.
        ok: True if it passed.
        message: The finding.
        fix: What to change; "" where it passed.
    """

    name: str
    ok: bool
    message: str
    fix: str = ""

    def to_json(self) -> dict[str, Any]:
        """The form of ``--json``."""
        return asdict(self)


class CheckFailure(Exception):
    """A failed check: the finding as message, and ``fix``, what to change."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


def origin_of(url: str) -> str:
    """Scheme and host with port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
