"""Generated covers: SVG pictures that follow from a content's address.

The same drawing as extension/ui/artwork.js; tests/vectors/artwork.json compares both. Seven families of landscapes on
an 80 x 80 field, in eight palettes. No text, script or external reference.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Palette:
    """Colours from back to front."""

    sky: str
    light: str
    far: str
    mid: str
    near: str


Shape = tuple[str, dict[str, str | float]]
"""Tag and attributes of an SVG element."""

PALETTES: Final = (
    Palette("#f2b56b", "#fbe7c4", "#b8524a", "#7d2450", "#3b1530"),
    Palette("#c9dcd2", "#f0ae4b", "#6fa39a", "#1f5b5e", "#12373c"),
    Palette("#2d2350", "#f3e3c3", "#5b478a", "#3f3170", "#1b1436"),
    Palette("#24485a", "#f5d48b", "#3c6a78", "#c8513d", "#12303d"),
    Palette("#e7e9ee", "#c8513d", "#a9b6c9", "#5b6f8c", "#33435c"),
    Palette("#f0cfc4", "#fff4e0", "#d98b7e", "#a5485a", "#5a1f3a"),
    Palette("#d9cfc3", "#d58518", "#a79a86", "#6d6148", "#3e2c15"),
    Palette("#17454c", "#f6e9d2", "#2c6e72", "#f0ae4b", "#0c2a30"),
)

_MASK: Final = 0xFFFFFFFF


class Draw:
    """Pseudorandom numbers seeded by a text (mulberry32, 32-bit integers)."""

    def __init__(self, text: str) -> None:
        state = 0x9E3779B9
        for character in text:
            state = (((state ^ ord(character)) * 0x85EBCA6B) + (state >> 7)) & _MASK
        self._state = state

    def number(self) -> float:
        """A number in [0, 1)."""
        state = self._state = (self._state + 0x6D2B79F5) & _MASK
        x = ((state ^ (state >> 15)) * (1 | state)) & _MASK
        x = ((x + (x ^ (x >> 7)) * (61 | x)) & _MASK) ^ x
        return (x ^ (x >> 14)) / 4294967296

    def whole(self, low: float, span: float) -> int:
        """An integer in [low, low + span]; halves round up."""
        return math.floor(low + self.number() * span + 0.5)


def shapes(content: bytes) -> list[Shape]:
    """The shapes of a content's picture on a field of 80 x 80, from back to front.

    Args:
        content: The content's address, 20 bytes.

    Raises:
        ValueError: Not 20 bytes.
    """
    if len(content) != 20:
        raise ValueError("a content address has 20 bytes")
    draw = Draw("0x" + content.hex())
    draw.number()
    palette = PALETTES[math.floor(draw.number() * len(PALETTES))]
    family = FAMILIES[math.floor(draw.number() * len(FAMILIES))]
    return [("rect", {"width": 80, "height": 80, "fill": palette.sky}), *family(palette, draw)]


def artwork(content: bytes) -> str:
    """The cover of a content as an SVG document.

    Args:
        content: The content's address, 20 bytes.

    Raises:
        ValueError: Not 20 bytes.
    """
    drawn = ""
    for tag, attributes in shapes(content):
        drawn += f"<{tag}" + "".join(f' {name}="{value}"' for name, value in attributes.items()) + "/>"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80" width="640" height="640">{drawn}</svg>'


def _disc(fill: str, cx: int, cy: int, r: int) -> Shape:
    return ("circle", {"fill": fill, "cx": cx, "cy": cy, "r": r})


def _path(fill: str, d: str) -> Shape:
    return ("path", {"fill": fill, "d": d})


def _tide(p: Palette, n: Draw) -> list[Shape]:
    """A sun above rows of waves."""
    shapes = [_disc(p.light, n.whole(18, 44), 27, 13)]
    for fill, y in ((p.far, 42), (p.mid, 54), (p.near, 66)):
        shapes.append(_path(fill, f"M{-20 + n.whole(0, 18)} {y}q10-7 20 0t20 0 20 0 20 0 20 0 20 0v40H-20z"))
    return shapes


def _mountains(p: Palette, n: Draw) -> list[Shape]:
    """Two peaks, one with snow."""
    a, b, top = n.whole(16, 16), n.whole(48, 14), n.whole(20, 8)
    return [
        _disc(p.light, 64 if a > 24 else 14, 17, 7),
        _path(p.far, f"M-4 80 {b} {top + 8}l36 40v32z"),
        _path(p.mid, f"M-8 80 {a} {top}l30 42v18z"),
        _path(p.light, f"m{a} {top} 8 11-8 4-8-4z"),
        _path(p.near, "M-2 74q20-8 42 0t42-2v10H-2z"),
    ]


def _lighthouse(p: Palette, n: Draw) -> list[Shape]:
    """A tower between two beams."""
    x = n.whole(28, 24)
    return [
        ("path", {"fill": p.light, "opacity": 0.6, "d": f"M{x} 26 {x + 46} 8v34zM{x} 26 {x - 46} 8v34z"}),
        _path("#f6eee6", f"M{x - 5} 32h10l5 48h-20z"),
        _path("#c8513d", f"M{x - 6.6} 47h13.200l1.300 12h-15.800z"),
        _path("#f0ae4b", f"M{x - 6} 20h12v12h-12z"),
        _path(p.near, "M-2 72q16-7 30 0t54-1v11H-2z"),
    ]


def _moon(p: Palette, n: Draw) -> list[Shape]:
    """A moon in some phase above a pier."""
    x = n.whole(28, 24)
    bars = "".join(f"M{at - 2} 60h4v20h-4z" for at in (12, 30, 50, 68))
    return [
        _disc(p.light, x, 36, 20),
        _disc(p.sky, x + 10 + n.whole(0, 6), 33, 18),
        _path(p.far, f"M0 57h80v4H0z{bars}"),
    ]


def _hills(p: Palette, n: Draw) -> list[Shape]:
    """A tree on long hills."""
    x, lean = n.whole(14, 52), n.whole(0, 16)
    return [
        _disc(p.light, x, 24, 10),
        _path(p.far, f"M-10 56q{26 + lean}-30 54-4t46-6v40H-10z"),
        _path(p.mid, f"M-10 68q{40 - lean}-26 62-2t40-4v24H-10z"),
        _path(p.near, f"M{60 - lean} 62h3v14h-3zM{61.5 - lean} 44l8 20h-16z"),
        _path(p.near, "M-2 75q24-5 42 0t44-1v8H-2z"),
    ]


def _rain(p: Palette, n: Draw) -> list[Shape]:
    """A record in the rain."""
    strokes = "".join(f"M{at - 1.5} {n.whole(0, 8)}h3v{8 + n.whole(0, 9)}h-3z" for at in (10, 26, 42, 58, 72))
    return [_path(p.far, strokes), _disc(p.mid, 40, 48, 24), _disc(p.light, 40, 48, 16), _disc(p.near, 40, 48, 7)]


def _city(p: Palette, n: Draw) -> list[Shape]:
    """Towers, some with light in their windows."""
    towers, windows = "", ""
    for at in range(4, 76, 13):
        top = n.whole(30, 26)
        towers += f"M{at} {top}h11v{82 - top}h-11z"
        if n.number() > 0.3:
            windows += f"M{at + 3} {top + 6}h2v3h-2zM{at + 7} {top + 13}h2v3h-2z"
    moon = _disc(p.light, n.whole(20, 40), 20, 9)
    return [moon, _path(p.far, "M-2 60h84v22H-2z"), _path(p.near, towers), _path(p.light, windows)]


FAMILIES: Final[tuple[Callable[[Palette, Draw], list[Shape]], ...]] = (
    _tide,
    _mountains,
    _lighthouse,
    _moon,
    _hills,
    _rain,
    _city,
)
