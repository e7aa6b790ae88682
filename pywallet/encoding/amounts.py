"""Token amounts as text: formatting and parsing. Amounts are integers of wei, never floats."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import category, decimal

from pywallet.errors import InputError

DECIMALS: Final = 18
UNIT: Final = "GOMAA"
_MAX_LENGTH: Final = 128
_MAX_UNIT_DIGITS: Final = 30
_APOSTROPHES: Final = "'\u2018\u2019\u02bc\uff07"
# Full-width and Arabic signs with one meaning, and their ASCII forms.
_SIGNS: Final = {"\uff0e": ".", "\u066b": ".", "\uff0c": ",", "\u066c": "'", "\uff0b": "+"} | dict.fromkeys(
    _APOSTROPHES, "'"
)
_NUMBER: Final = re.compile(
    r"\+?(?P<whole>[0-9]{1,3}(?P<mark>[ '.,])[0-9]{3}(?:(?P=mark)[0-9]{3})*|[0-9]*)(?:(?P<point>[.,])(?P<part>[0-9]+))?"
)


def show(wei: int, places: int = 4) -> str:
    """Format an amount in GoMAA with ``places`` decimals, rounded towards zero."""
    sign, whole = ("-", -wei) if wei < 0 else ("", wei)
    units, fraction = divmod(whole, 10**DECIMALS)
    return f"{sign}{units}" + (f".{fraction:018d}"[: places + 1] if places else "")


def exact(wei: int) -> str:
    """Format an amount in GoMAA with all its decimals."""
    text = show(wei, DECIMALS).rstrip("0")
    return text.removesuffix(".")


def parse(text: str) -> int:
    """Parse an amount in GoMAA as a person writes it.

    Thousands may be grouped by commas, points, spaces or apostrophes, decimals follow a point or a comma, digits may be
    of any one script, and the unit may precede or follow the number. A single point is always a decimal point, as
    ``exact`` writes it. All results of ``show`` and ``exact`` are parsed, also as the extension groups them.

    Args:
        text: Such as ``0.0020``, ``1,234.50``, ``1 234,5`` or ``12 GoMAA``.

    Returns:
        The amount in wei.

    Raises:
        InputError: ``wallet.amount.ambiguous`` where one comma precedes three digits (``1,234``), with the readings
            ``thousands`` and ``decimals``; ``message.schema`` for other text.
    """
    match = _NUMBER.fullmatch(_normalise(text)) if len(text) <= _MAX_LENGTH else None
    whole, mark, part = (match["whole"], match["mark"], match["part"] or "") if match else ("", None, "")
    if match is None or not whole + part or (mark and mark == match["point"]):
        raise _invalid()
    if mark and mark in ".," and not part and whole.count(mark) == 1:
        left, right = whole.split(mark)
        # No grouped number begins with a zero, and ``exact`` writes a single point.
        if mark == "." or int(left) == 0 or left.startswith("0"):
            whole, part = left, right
        else:
            raise InputError("wallet.amount.ambiguous", thousands=left + right, decimals=f"{left}.{right}")
    units = whole.replace(mark, "") if mark else whole
    if len(part) > DECIMALS or len(units) > _MAX_UNIT_DIGITS:
        raise _invalid()
    return int(units or "0") * 10**DECIMALS + int(part.ljust(DECIMALS, "0"))


def _normalise(text: str) -> str:
    """The text in ASCII digits and signs with single spaces, without the unit and invisible characters."""
    out, scripts = [], set()
    for char in text:
        kind = category(char)
        if kind == "Nd":
            scripts.add(ord(char) - decimal(char))
            out.append(str(decimal(char)))
        elif kind != "Cf":
            out.append(" " if char.isspace() else _SIGNS.get(char, char))
    if len(scripts) > 1:
        raise _invalid()
    plain = " ".join("".join(out).split())
    upper = plain.upper()
    if upper.endswith(UNIT):
        return plain[: -len(UNIT)].rstrip()
    return plain[len(UNIT) :].lstrip() if upper.startswith(UNIT) else plain


def _invalid() -> InputError:
    return InputError("message.schema", field="amount", reason="a decimal number with at most 18 decimals")
