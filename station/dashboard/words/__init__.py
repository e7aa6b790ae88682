"""Words of the operator's pages, English and Chinese."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

LANGUAGES: Final = ("en", "zh")


def _read(language: str) -> Mapping[str, str]:
    text = (Path(__file__).parent / f"{language}.json").read_text(encoding="utf-8")
    return MappingProxyType(json.loads(text))


WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({name: _read(name) for name in LANGUAGES})
"""By language: key to text."""


def language_of(chosen: str | None, accepted: str) -> str:
    """The language of a page.

    Args:
        chosen: What the operator chose, or None.
        accepted: The header Accept-Language (RFC 9110 section 12.5.4); the first language that is here counts.
    """
    if chosen in LANGUAGES:
        return chosen
    for part in accepted.split(","):
        name = part.partition(";")[0].strip().lower().partition("-")[0]
        if name in LANGUAGES:
            return name
    return LANGUAGES[0]
