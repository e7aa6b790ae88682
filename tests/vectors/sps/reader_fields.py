"""Field rules of the second reader: the CDDL schema, and what CDDL cannot express of texts, URLs and versions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from tests.vectors.sps.cddl import Schema
from tests.vectors.sps.reader_encoding import require

FORMAT: Final = Path(__file__).resolve().parents[3] / "docs" / "format"
SCHEMA: Final = Schema(*(FORMAT / f"{name}.cddl" for name in ("common", "segments", "header", "live", "policy")))
# Policies are checked after the header, with their own code.
POLICY: Final = SCHEMA.rules["policy-map"]
SCHEMA.rules["policy-map"] = lambda value: type(value) is dict
URL: Final = r"https?://[A-Za-z0-9._~:%\[\]-]+(/[A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]*)?"
MEDIA: Final = r"[a-z]+/[A-Za-z0-9.+-]+(; ?[a-z]+=(\"[A-Za-z0-9.,+ -]+\"|[A-Za-z0-9.+-]+))*"
FORBIDDEN: Final = [(0, 0x1F), (0x7F, 0x9F), (0x2028, 0x202E), (0x2066, 0x2069), (0xFFFE, 0xFFFF)]


def versioned(value: dict[str, Any], known: list[str]) -> None:
    """Check version, then crit, before any other field."""
    require(type(value.get("v")) is int)
    require(value["v"] == 1, "sps.version")
    if "crit" in value:
        require(SCHEMA.matches("crit-names", value["crit"]) and len(set(value["crit"])) == len(value["crit"]))
        require(all(name in value and name != "crit" for name in value["crit"]))
        require(all(name in known for name in value["crit"]), "sps.header.critical")


def texts(value: dict[str, Any], names: tuple[str, ...]) -> None:
    """Check texts that are displayed."""
    for name in names:
        text = value.get(name, "")
        require(len(text) <= 500 and not any(low <= ord(c) <= high for c in text for low, high in FORBIDDEN))


def urls(values: list[str]) -> None:
    """Check a list of distinct URLs."""
    require(all(re.fullmatch(URL, value) for value in values) and len(set(values)) == len(values))


def media(value: str, kind: str) -> bool:
    """Return whether a text is a media type of a kind."""
    return value.startswith(kind) and bool(re.fullmatch(MEDIA, value))
