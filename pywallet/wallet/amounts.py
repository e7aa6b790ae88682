"""Token amounts as text and back; integers of wei in between, never floats."""

from __future__ import annotations

from typing import Final

from pywallet.errors import InputError

DECIMALS: Final = 18


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
    """Wei of a decimal text such as ``0.0020``. Raises InputError message.schema."""
    units, point, fraction = text.strip().partition(".")
    if (
        not (units + fraction).isascii()
        or not (units + fraction).isdigit()
        or (point and not fraction)
        or len(fraction) > DECIMALS
        or len(units) > 30
    ):
        raise InputError("message.schema", field="amount", reason="a decimal number with at most 18 decimals")
    return int(units or "0") * 10**DECIMALS + int(fraction.ljust(DECIMALS, "0"))
