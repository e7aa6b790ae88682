"""Readers of a map's fields. Each raises InputError ``sps.header.malformed`` naming the field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pywallet.errors import InputError

MAX_TEXT: Final = 500
# Independent of Python's Unicode tables, which differ between versions: control characters, line ends, direction marks
# and noncharacters.
_NOT_IN_TEXT: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff]")
_URL: Final = re.compile(r"https?://[A-Za-z0-9._~:%\[\]-]+(?:/[A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]*)?")
_MIME: Final = re.compile(r"[a-z]+/[A-Za-z0-9.+-]+(?:; ?[a-z]+=(?:\"[A-Za-z0-9.,+ -]+\"|[A-Za-z0-9.+-]+))*")


def malformed(name: str) -> InputError:
    """The error for a field."""
    return InputError("sps.header.malformed", field=name)


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """A map, whose keys are text by the CBOR decoder."""
    if not isinstance(value, Mapping):
        raise malformed(name)
    return value


def listing(value: Any, name: str, most: int, least: int = 0) -> list[Any]:
    """A list of ``least`` to ``most`` entries."""
    if not isinstance(value, (list, tuple)) or not least <= len(value) <= most:
        raise malformed(name)
    return list(value)


def row(value: Any, name: str, length: int) -> list[Any]:
    """A list of exactly ``length`` entries."""
    return listing(value, name, length, length)


def integer(value: Any, name: str, low: int, high: int) -> int:
    """An integer from ``low`` to ``high``; a boolean is none."""
    if type(value) is not int or not low <= value <= high:
        raise malformed(name)
    return value


def octets(value: Any, name: str, length: int) -> bytes:
    """Exactly ``length`` bytes."""
    if not isinstance(value, bytes) or len(value) != length:
        raise malformed(name)
    return value


def text(value: Any, name: str, least: int = 0, most: int = MAX_TEXT) -> str:
    """``least`` to ``most`` characters on one line."""
    if not isinstance(value, str) or not least <= len(value) <= most or _NOT_IN_TEXT.search(value):
        raise malformed(name)
    return value


def url(value: Any, name: str) -> str:
    """An absolute http or https URL without user or fragment."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or not _URL.fullmatch(value):
        raise malformed(name)
    return value


def mime(value: Any, name: str, kind: str) -> str:
    """A media type (RFC 6838) whose first part is ``kind``."""
    if not isinstance(value, str) or len(value) > 127 or not value.startswith(f"{kind}/") or not _MIME.fullmatch(value):
        raise malformed(name)
    return value


def distinct(values: list[Any], name: str) -> tuple[Any, ...]:
    """The values as a tuple, if they are distinct."""
    if len(set(values)) != len(values):
        raise malformed(name)
    return tuple(values)
