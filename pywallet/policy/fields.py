"""Readers of a policy's fields; each raises InputError ``policy.malformed`` naming the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pywallet.errors import InputError

MAX_TIME_S: Final = 1 << 40
MAX_COUNT: Final = (1 << 32) - 1
MAX_WEI: Final = (1 << 96) - 1
MAX_LIST: Final = 256
MAX_TEXT: Final = 253


def malformed(name: str, reason: str) -> InputError:
    """The error for a field."""
    return InputError("policy.malformed", field=name, reason=reason)


def integer(value: Any, name: str, low: int, high: int) -> int:
    """An integer within bounds; a boolean is none."""
    if type(value) is not int or not low <= value <= high:
        raise malformed(name, f"an integer from {low} to {high}")
    return value


def optional(raw: Mapping[str, Any], name: str, low: int = 0, high: int = MAX_TIME_S, *, path: str = "") -> int | None:
    """An integer within bounds, or None where the field is absent."""
    return None if name not in raw else integer(raw[name], f"{path}{name}", low, high)


def flag(raw: Mapping[str, Any], name: str, default: bool, *, path: str = "") -> bool:
    """True or false; ``default`` where the field is absent."""
    value = raw.get(name, default)
    if type(value) is not bool:
        raise malformed(f"{path}{name}", "true or false")
    return value


def choice(raw: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str, *, path: str = "") -> str:
    """One of the allowed words."""
    value = raw.get(name, default)
    if not isinstance(value, str) or value not in allowed:
        raise malformed(f"{path}{name}", ", ".join(allowed[:-1]) + f" or {allowed[-1]}")
    return value


def table(value: Any, name: str, required: frozenset[str], allowed: frozenset[str]) -> Mapping[str, Any]:
    """A map with text keys: every required one, and no other than the allowed ones."""
    if not isinstance(value, Mapping) or not all(isinstance(k, str) for k in value):
        raise malformed(name, "a table")
    if missing := required - value.keys():
        raise malformed(f"{name}.{min(missing)}", "missing")
    if unknown := value.keys() - allowed:
        raise malformed(f"{name}.{min(unknown)}", "unknown")
    return value


def texts(value: Any, name: str) -> tuple[str, ...]:
    """A list of distinct texts of at most ``MAX_TEXT`` characters."""
    listed = isinstance(value, (list, tuple)) and len(value) <= MAX_LIST
    if not listed or not all(isinstance(x, str) and 0 < len(x) <= MAX_TEXT for x in value):
        raise malformed(name, "a list of texts")
    if len(set(value)) != len(value):
        raise malformed(name, "no entry twice")
    return tuple(value)


def without_defaults(part: Any) -> dict[str, Any]:
    """The map of a part, without fields that are None or False, which are optional."""
    return {k: v for k, v in vars(part).items() if v is not None and v is not False}
