"""Token amounts as text and back; integers of wei in between, never floats."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import category, decimal

from pywallet.errors import InputError

DECIMALS: Final = 18
UNIT: Final = "GOMAA"
_LONGEST: Final = 128
_MOST_UNITS: Final = 30
_APOSTROPHES: Final = "'\u2018\u2019\u02bc\uff07"
# Full-width and Arabic signs that have one meaning, as the sign that stands for them.
_SIGNS: Final = {"\uff0e": ".", "\u066b": ".", "\uff0c": ",", "\u066c": "'", "\uff0b": "+"} | dict.fromkeys(
    _APOSTROPHES, "'"
)
_NUMBER: Final = re.compile(
    r"\+?(?P<whole>[0-9]{1,3}(?P<mark>[ '.,])[0-9]{3}(?:(?P=mark)[0-9]{3})*|[0-9]*)(?:(?P<point>[.,])(?P<part>[0-9]+))?"
)


def show(wei: int, places: int = 4) -> str:
    """An amount in GoMAA with a fixed number of decimals, cut off, never rounded up."""
    sign, whole = ("-", -wei) if wei < 0 else ("", wei)
    units, fraction = divmod(whole, 10**DECIMALS)
    return f"{sign}{units}" + (f".{fraction:018d}"[: places + 1] if places else "")


def exact(wei: int) -> str:
    """All decimals that an amount has."""
    text = show(wei, DECIMALS).rstrip("0")
    return text.removesuffix(".")


def parse(text: str) -> int:
    """Wei of an amount as a person writes it.

    Thousands may be grouped by commas, points, spaces or apostrophes, decimals follow a point or a comma, digits may be
    of any one script, and the unit may stand before or behind the number. A single point is always a decimal point, as
    ``exact`` writes it. Everything that ``show`` and ``exact`` write is read, also as the extension groups it.

    Args:
        text: Such as ``0.0020``, ``1,234.50``, ``1 234,5`` or ``12 GoMAA``.

    Returns:
        The amount in wei.

    Raises:
        InputError: ``wallet.amount.ambiguous`` where one comma stands before three digits (``1,234``), with the
            readings
            ``thousands`` and ``decimals``; ``message.schema`` for what is no amount.
    """
    found = _NUMBER.fullmatch(_plain(text)) if len(text) <= _LONGEST else None
    whole, mark, part = (found["whole"], found["mark"], found["part"] or "") if found else ("", None, "")
    if found is None or not whole + part or (mark and mark == found["point"]):
        raise _wrong()
    if mark and mark in ".," and not part and whole.count(mark) == 1:
        left, right = whole.split(mark)
        # No number with thousands begins with a zero, and a lone point is written by the wallet itself.
        if mark == "." or int(left) == 0 or left.startswith("0"):
            whole, part = left, right
        else:
            raise InputError("wallet.amount.ambiguous", thousands=left + right, decimals=f"{left}.{right}")
    units = whole.replace(mark, "") if mark else whole
    if len(part) > DECIMALS or len(units) > _MOST_UNITS:
        raise _wrong()
    return int(units or "0") * 10**DECIMALS + int(part.ljust(DECIMALS, "0"))


def _plain(text: str) -> str:
    """ASCII digits and signs, single spaces, without the unit and characters that are not seen."""
    out, scripts = [], set()
    for char in text:
        kind = category(char)
        if kind == "Nd":
            scripts.add(ord(char) - decimal(char))
            out.append(str(decimal(char)))
        elif kind != "Cf":
            out.append(" " if char.isspace() else _SIGNS.get(char, char))
    if len(scripts) > 1:
        raise _wrong()
    plain = " ".join("".join(out).split())
    upper = plain.upper()
    if upper.endswith(UNIT):
        return plain[: -len(UNIT)].rstrip()
    return plain[len(UNIT) :].lstrip() if upper.startswith(UNIT) else plain


def _wrong() -> InputError:
    return InputError("message.schema", field="amount", reason="a decimal number with at most 18 decimals")
