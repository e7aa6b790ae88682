"""Public keys (secp256k1) of many private keys at once, in pure Python for the browser, which has no compiled curve.

A batch shares each modular inversion (Montgomery's trick: Cohen and others, Handbook of Elliptic and Hyperelliptic
Curve Cryptography, 11.3.1.c) and needs no doublings (fixed-base windows: the same book, 9.3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from pywallet.crypto.interface import ORDER

FIELD: Final = 2**256 - 2**32 - 977
GENERATOR: Final = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
BITS: Final = 10
"""Bits of a window: 2^10 points for each of 26 windows, 27,000 in all, computed once in about a second."""

Point = tuple[int, int]


def public_keys(private_keys: Sequence[bytes]) -> list[bytes]:
    """Compute public keys, 64 bytes each (x ‖ y). Not in constant time.

    Args:
        private_keys: 32 bytes each.

    Raises:
        ValueError: A private key is zero, or not below the order.
    """
    scalars = [int.from_bytes(key, "big") for key in private_keys]
    if not all(0 < scalar < ORDER for scalar in scalars):
        raise ValueError("a private key out of range")
    sums: list[Point | None] = [None] * len(scalars)
    for place, table in enumerate(_tables()):
        shift = place * BITS
        added: list[tuple[int, Point, Point]] = []
        for index, scalar in enumerate(scalars):
            digit = scalar >> shift & ((1 << BITS) - 1)
            if not digit:
                continue
            point, before = table[digit - 1], sums[index]
            if before is None:
                sums[index] = point
            else:
                added.append((index, before, point))
        for (index, _, _), point in zip(added, _add([(before, point) for _, before, point in added]), strict=True):
            sums[index] = point
    # A positive scalar has a positive digit, so that no sum is None.
    return [point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big") for point in sums if point is not None]


def _add(pairs: Sequence[tuple[Point, Point]]) -> list[Point]:
    """Sums of pairs of points, whose x must differ.

    They do, since the sum of a scalar's lower windows is a smaller multiple than any point of the next window.
    """
    products, product = [], 1
    for (ax, _), (bx, _) in pairs:
        products.append(product)
        product = product * (bx - ax) % FIELD
    inverse = pow(product, -1, FIELD)
    out: list[Point] = []
    for (a, b), before in zip(reversed(pairs), reversed(products), strict=True):
        (ax, ay), (bx, by) = a, b
        slope = (by - ay) * (inverse * before % FIELD) % FIELD
        inverse = inverse * (bx - ax) % FIELD
        x = (slope * slope - ax - bx) % FIELD
        out.append((x, (slope * (ax - x) - ay) % FIELD))
    out.reverse()
    return out


def _double(point: Point) -> Point:
    x, y = point
    slope = 3 * x * x * pow(2 * y, -1, FIELD) % FIELD
    doubled = (slope * slope - 2 * x) % FIELD
    return doubled, (slope * (x - doubled) - y) % FIELD


@cache
def _tables() -> list[list[Point]]:
    """For each window the multiples 1 to 2^BITS - 1 of the generator times its place value."""
    tables = []
    base = GENERATOR
    for _ in range(0, 256, BITS):
        table = [base, _double(base)]
        # Adding n to the multiples 1 to n gives n+1 to 2n.
        while len(table) < 1 << BITS:
            step, count = table[-1], len(table)
            more = _add([(table[i], step) for i in range(count - 1)])
            table += [*more, _double(step)]
        tables.append(table[: (1 << BITS) - 1])
        base = table[(1 << BITS) - 1]
    return tables
