"""The player that a song asks for, held against the one that is here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pywallet.errors import InputError

VERSION: Final = "1"
"""What this player can render."""


def require(renderer: Mapping[str, Any], version: str = VERSION, build: bytes | None = None) -> None:
    """Refuse a song that asks for a later player, or for one build that is not this one.

    Nothing is ever fetched to please it.

    Args:
        renderer: the header's field: ``version`` and perhaps ``sha256``.
        version: This player's version.
        build: SHA-256 of the player that is here; None: it has none, so a song that asks for one is refused.

    Raises:
        InputError: ``sps.version``.
    """
    wanted = _numbers(str(renderer["version"]))
    if wanted > _numbers(version):
        raise InputError("sps.version", renderer=renderer["version"], here=version)
    if "sha256" in renderer and renderer["sha256"] != build:
        raise InputError("sps.version", renderer=bytes(renderer["sha256"]).hex(), here=version)


def _numbers(version: str) -> tuple[int, ...]:
    """Version numbers that compare, 1 and 1.0 alike."""
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
