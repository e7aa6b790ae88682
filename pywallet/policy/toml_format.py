"""TOML form of a policy: same field names, amounts as decimal strings, durations and dates as text."""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any, Final

from pywallet.encoding.amounts import parse
from pywallet.errors import InputError
from pywallet.policy.fields import malformed

_MAX_TEXT: Final = 1 << 16
_MAX_DOTS: Final = 1000
_MAX_DEPTH: Final = 12
_PARTS: Final = frozenset(["price", "counts", "lease", "renewal", "part", "child"])
_SPANS: Final = ("ttl", "metered", "preview", "key_epoch", "per", "after", "within", "every", "retry", "grace")
_SPAN: Final = re.compile(r"([0-9]{1,9})\s*([a-z]+)")
_SECONDS: Final = {
    "s": 1,
    "second": 1,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86_400,
    "day": 86_400,
    "week": 604_800,
}


def to_map(text: str) -> dict[str, Any]:
    """Parse a policy into the header's map.

    Durations (``ttl = "48 hours"``) and times (``expires = 2027-01-31``, or with a time of day; UTC without a zone) may
    be written without the ``_s`` of their field.

    Raises:
        InputError: ``policy.malformed`` naming the field.
    """
    # tomllib's time and memory grow with the square of a dotted key's parts.
    if len(text) > _MAX_TEXT or any(line.count(".") > _MAX_DOTS for line in text.splitlines()):
        raise malformed("toml", "too long")
    try:
        raw = tomllib.load(io.BytesIO(text.encode()))
    except (ValueError, RecursionError) as e:  # also numbers of thousands of digits, and deeply nested brackets
        raise malformed("toml", str(e)) from None
    return _table(raw, "")


def _table(raw: dict[str, Any], path: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in raw.items():
        path_of_field = f"{path}{name}"
        if isinstance(value, dict) and (name in _PARTS or path.endswith("counts.")):
            if path_of_field.count(".") > _MAX_DEPTH:
                raise malformed(path_of_field, "nested too deep")
            out[name] = _table(value, f"{path_of_field}.")
        elif path.endswith("price.") and name in ("owner", "reward"):
            out[name] = _wei(path_of_field, value)
        elif name in _ALIASES:
            target, read = _ALIASES[name]
            if target in raw:
                raise malformed(path_of_field, f"said twice: also as {target}")
            out[target] = read(path_of_field, value)
        else:
            out[name] = value
    return out


def _wei(name: str, value: Any) -> int:
    if not isinstance(value, str):
        raise malformed(name, 'amounts are decimal strings, like "0.0020"')
    try:
        return parse(value)
    except InputError as e:
        ambiguous = e.code == "wallet.amount.ambiguous"
        raise malformed(
            name, f"either {e.detail['thousands']} or {e.detail['decimals']}" if ambiguous else e.detail["reason"]
        ) from None


def _span(name: str, value: Any) -> int:
    match = _SPAN.fullmatch(value.strip()) if isinstance(value, str) and len(value) < 40 else None
    size = match and (_SECONDS.get(match[2]) or _SECONDS.get(match[2].removesuffix("s")))
    if match is None or not size:
        raise malformed(name, 'a duration, like "48 hours", "30 days" or "90 s"')
    return int(match[1]) * size


def _moment(name: str, value: Any) -> int:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise malformed(name, "a date or a date with a time, like 2027-01-31 or 2027-01-31T20:00:00+01:00")
    seconds = (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if seconds < 0:
        raise malformed(name, "not before 1970")
    return int(seconds)


_ALIASES: Final[dict[str, tuple[str, Callable[[str, Any], int]]]] = {
    **{name: (f"{name}_s", _span) for name in _SPANS},
    **{name: (f"{name}_s", _moment) for name in ("not_before", "expires", "start_by")},
}
