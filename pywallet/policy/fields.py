"""Small readers for the fields of a policy; every refusal is ``policy.malformed`` and names the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pywallet.errors import InputError

MAX_TIME_S: Final = 1 << 40
MAX_COUNT: Final = (1 << 32) - 1
MAX_WEI: Final = (1 << 96) - 1
MAX_LIST: Final = 256
MAX_TEXT: Final = 253


def bad(name: str, reason: str) -> InputError:
    """The error for a field."""
    return InputError("policy.malformed", field=name, reason=reason)


def integer(value: Any, name: str, low: int, high: int) -> int:
    """A whole number (and no boolean) within bounds."""
    if type(value) is not int or not low <= value <= high:
        raise bad(name, f"an integer from {low} to {high}")
    return value


def optional(raw: Mapping[str, Any], name: str, low: int = 0, high: int = MAX_TIME_S, *, path: str = "") -> int | None:
    """A whole number, or None where the field is absent."""
    return None if name not in raw else integer(raw[name], f"{path}{name}", low, high)


def flag(raw: Mapping[str, Any], name: str, *, path: str = "") -> bool:
    """True or false; false where the field is absent."""
    value = raw.get(name, False)
    if type(value) is not bool:
        raise bad(f"{path}{name}", "true or false")
    return value


def choice(raw: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str, *, path: str = "") -> str:
    """One of a few words."""
    value = raw.get(name, default)
    if not isinstance(value, str) or value not in allowed:
        raise bad(f"{path}{name}", ", ".join(allowed[:-1]) + f" or {allowed[-1]}")
    return value


def table(value: Any, name: str, required: frozenset[str], allowed: frozenset[str]) -> Mapping[str, Any]:
    """A map with text keys: all of the required, none but the allowed."""
    if not isinstance(value, Mapping) or not all(isinstance(k, str) for k in value):
        raise bad(name, "a table")
    if missing := required - value.keys():
        raise bad(f"{name}.{min(missing)}", "missing")
    if unknown := value.keys() - allowed:
        raise bad(f"{name}.{min(unknown)}", "unknown")
    return value


def texts(value: Any, name: str) -> tuple[str, ...]:
    """A list of short texts, none twice."""
    listed = isinstance(value, (list, tuple)) and len(value) <= MAX_LIST
    if not listed or not all(isinstance(x, str) and 0 < len(x) <= MAX_TEXT for x in value):
        raise bad(name, "a list of texts")
    if len(set(value)) != len(value):
        raise bad(name, "no entry twice")
    return tuple(value)


def plain(part: Any) -> dict[str, Any]:
    """A part as the map it was read from: what is at its default and may be left out is None or False here."""
    return {k: v for k, v in vars(part).items() if v is not None and v is not False}
