"""A vector, and those that come from the table of fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tests.vectors.sps.song import changed

MALFORMED: Final = "sps.header.malformed"
SIGNATURE: Final = "sps.header.signature"
_OPTIONAL: Final = frozenset(
    "album isrc genre_confidence loudness loudness_range true_peak waveform features artwork live rundown ended crit".split()  # noqa: E501, SIM905
)
Table = dict[str, tuple[list[Any], list[Any]]]
"""Field -> the values it takes and those it refuses."""


@dataclass(frozen=True)
class Case:
    """``kind`` says which reader; ``code`` is None for what is taken; ``more`` are the reader's other arguments."""

    kind: str
    name: str
    data: bytes
    code: str | None = None
    more: dict[str, Any] = field(default_factory=dict)


def of_fields(
    kind: str, make: Callable[[Any], bytes], base: dict[str, Any], table: Table, **more: Any
) -> Iterator[Case]:
    """Each value a field takes and refuses, and whether it may be absent."""
    malformed = {"header": MALFORMED, "policy": "policy.malformed"}.get(kind, "sps.live.malformed")
    for path, (taken, refused) in table.items():
        for number, value in enumerate(taken):
            yield Case(kind, f"{path} takes {number}", make(_fit(base, path, value)), None, more)
        for number, value in enumerate(refused):
            yield Case(kind, f"{path} refuses {number}", make(changed(base, path, value)), malformed, more)
    optional = base.keys() - {"permissions", "price"} if kind == "policy" else _OPTIONAL
    for name in base:
        if name in optional:
            yield Case(kind, f"{name} may be absent", make(changed(base, name, ...)), None, more)
        elif name not in ("watermark", "genre", "owner"):
            yield Case(kind, f"{name} may not be absent", make(changed(base, name, ...)), malformed, more)


def _fit(base: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The change, with what depends on it put right."""
    out = changed(base, path, value)
    if path == "crit" and isinstance(value, list) and "mood" in value:
        out["mood"] = 1
    return out
