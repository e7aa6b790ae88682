"""Check of the player that a song requires against this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pywallet.errors import InputError

VERSION: Final = "1"
"""Version of this player."""


def require(renderer: Mapping[str, Any], version: str = VERSION, build: bytes | None = None) -> None:
    """Refuse a song that requires a later player or another build. No other player is ever fetched.

    Args:
        renderer: The header's field: ``version`` and optionally ``sha256``.
        version: Version of this player.
        build: SHA-256 of this player's build; None: unknown, so a song that requires a build is refused.

    Raises:
        InputError: ``sps.version``.
    """
    wanted = _numbers(str(renderer["version"]))
    if wanted > _numbers(version):
        raise InputError("sps.version", renderer=renderer["version"], here=version)
    if "sha256" in renderer and renderer["sha256"] != build:
        raise InputError("sps.version", renderer=bytes(renderer["sha256"]).hex(), here=version)


def _numbers(version: str) -> tuple[int, ...]:
    """Parse a version for comparison; 1 and 1.0 are equal."""
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
