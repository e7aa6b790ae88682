"""Covers drawn from a content's address: the same address is the same picture, everywhere, for ever.

Eight families (tide, hills, lighthouse, moon, rain, dunes, ferry, orchard) share one way of
drawing: flat shapes on an 80 x 80 field, a palette, and numbers taken from the
hash of the address. No text, no script, no reference to anything outside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

Palette = tuple[str, str, str, str, str]
"""ground, light, far, middle, near."""

PALETTES: tuple[Palette, ...] = (
    ("#f2b56b", "#fbe7c4", "#b8524a", "#7d2450", "#3b1530"),
    ("#24485a", "#f5d48b", "#3d7080", "#1b3442", "#10222d"),
    ("#2d2350", "#f3e3c3", "#6a4c94", "#8d6bb0", "#1b1436"),
    ("#c9dcd2", "#f0ae4b", "#5d9490", "#1f5b5e", "#12383c"),
    ("#d9cfc3", "#d58518", "#8fa3a4", "#3c6a78", "#3e2c15"),
    ("#e7e9ee", "#c8513d", "#9aa9be", "#5b6f8c", "#2f3d57"),
    ("#f1d9cf", "#e9836b", "#c9788b", "#8a3f6c", "#40203f"),
    ("#1c3b34", "#efe2b0", "#3f7a5c", "#2a5a4a", "#10241f"),
)


class Draw:
    """A stream of whole numbers that depends on the address alone."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._block = 0
        self._bytes = b""

    def number(self, low: int, high: int) -> int:
        """A number in ``low … high``, both included."""
        if len(self._bytes) < 2:
            self._bytes += hashlib.sha256(b"gomaa artwork 1" + self._seed + self._block.to_bytes(2, "big")).digest()
            self._block += 1
        value, self._bytes = int.from_bytes(self._bytes[:2], "big"), self._bytes[2:]
        return low + value % (high - low + 1)


def artwork(content: bytes) -> str:
    """The cover of a content as an SVG document.

    Args:
        content: the 20 bytes of the content's address.

    Raises:
        ValueError: when it is not an address.
    """
    if len(content) != 20:
        raise ValueError("a content address has 20 bytes")
    draw = Draw(content)
    palette = PALETTES[draw.number(0, len(PALETTES) - 1)]
    family = FAMILIES[draw.number(0, len(FAMILIES) - 1)]
    shapes = "".join(family(draw, palette))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80" width="640" height="640">'
        f'<rect width="80" height="80" fill="{palette[0]}"/>{shapes}</svg>'
    )


def _circle(x: int, y: int, radius: int, colour: str) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colour}"/>'


def _path(data: str, colour: str) -> str:
    return f'<path d="{data}" fill="{colour}"/>'


def _tide(draw: Draw, palette: Palette) -> list[str]:
    """A sun above rows of waves."""
    shapes = [_circle(draw.number(16, 64), draw.number(18, 32), draw.number(9, 15), palette[1])]
    top = draw.number(38, 46)
    for row in range(3):
        height, shift = draw.number(4, 9), draw.number(0, 19)
        level = top + 12 * row
        waves = f"M{-20 - shift} {level}q10 {-height} 20 0" + "t20 0" * 6 + "V80H-40z"
        shapes.append(_path(waves, palette[2 + row]))
    return shapes


def _hills(draw: Draw, palette: Palette) -> list[str]:
    """Two ranges of peaks with snow, and a sun."""
    shapes = [_circle(draw.number(52, 66), draw.number(12, 20), draw.number(5, 9), palette[1])]
    left, peak = draw.number(14, 30), draw.number(22, 32)
    right, second = draw.number(50, 64), draw.number(30, 42)
    valley = draw.number(48, 56)
    shapes.append(_path(f"M-6 80L{right} {second - 4}L90 80z", palette[2]))
    shapes.append(_path(f"M-10 76L{left} {peak}L{(left + right) // 2} {valley}L{right} {second}L92 76V80H-10z", palette[3]))
    shapes.append(_path(f"M{left} {peak}l7 10-7 4-6-4z", "#ffffff"))
    shapes.append(_path(f"M{right} {second}l6 9-6 3-6-4z", "#ffffff"))
    base = draw.number(66, 71)
    shapes.append(_path(f"M0 {base}q20 {-draw.number(4, 9)} 40 0t40 0V80H0z", palette[4]))
    return shapes


def _lighthouse(draw: Draw, palette: Palette) -> list[str]:
    """A tower between two beams."""
    x, spread = draw.number(28, 52), draw.number(14, 20)
    beams = "".join(f"M{x} 26L{end} {26 - spread}V{20 + spread}z" for end in (84, -4))
    shapes = [
        f'<path d="{beams}" fill="{palette[1]}" opacity="0.75"/>',
        _path(f"M{x - 5} 32h10l5 48h-20z", "#f6eee6"),
    ]
    for band in range(draw.number(1, 2)):
        shapes.append(_path(f"M{x - 7} {46 + band * 18}h14l1 10h-16z", "#c8513d"))
    shapes.append(f'<rect x="{x - 6}" y="20" width="12" height="12" rx="2" fill="#f0ae4b"/>')
    shapes.append(_path(f"M0 {draw.number(68, 73)}q20 -6 40 0t40 0V80H0z", palette[3]))
    return shapes


def _moon(draw: Draw, palette: Palette) -> list[str]:
    """A moon in some phase above a pier."""
    x, y, radius = draw.number(30, 50), draw.number(26, 36), draw.number(14, 20)
    deck = draw.number(56, 62)
    shapes = [_circle(x, y, radius, palette[1]), _circle(x + draw.number(6, radius + 4), y - draw.number(0, 4), radius, palette[0])]
    for _ in range(draw.number(3, 6)):
        shapes.append(_circle(draw.number(4, 76), draw.number(4, 48), 1, palette[1]))
    posts = "".join(f"M{post} {deck}v24" for post in range(draw.number(6, 14), 80, draw.number(15, 21)))
    shapes.append(f'<path d="M0 {deck}h80{posts}" stroke="{palette[3]}" stroke-width="4" fill="none"/>')
    return shapes


def _rain(draw: Draw, palette: Palette) -> list[str]:
    """A record in the rain."""
    x, y, radius = draw.number(34, 46), draw.number(42, 50), draw.number(20, 26)
    drops = "".join(f"M{column} {draw.number(-2, 16)}v{draw.number(6, 14)}" for column in range(8, 78, draw.number(8, 12)))
    return [
        f'<path d="{drops}" stroke="{palette[3]}" stroke-width="3" stroke-linecap="round" fill="none"/>',
        _circle(x, y, radius, palette[1]),
        f'<circle cx="{x}" cy="{y}" r="{radius - 6}" fill="none" stroke="{palette[4]}" stroke-opacity="0.25" stroke-width="1"/>',
        _circle(x, y, draw.number(7, 10), palette[4]),
        _circle(x, y, 2, palette[0]),
    ]


def _dunes(draw: Draw, palette: Palette) -> list[str]:
    """Long slopes in an evening light."""
    shapes = [_circle(draw.number(20, 60), draw.number(28, 40), draw.number(14, 19), palette[1])]
    level = draw.number(40, 48)
    for row in range(3):
        turn, rise = draw.number(20, 60), draw.number(6, 13)
        left, right = (level, level + rise) if draw.number(0, 1) else (level + rise, level)
        shapes.append(_path(f"M0 {left}Q{turn} {level - rise} 80 {right}V80H0z", palette[2 + row]))
        level += 12
    return shapes


def _ferry(draw: Draw, palette: Palette) -> list[str]:
    """A small ship on still water."""
    x, level = draw.number(8, 18), draw.number(54, 60)
    funnel = x + draw.number(30, 38)
    ports = "".join(f"M{x + 18 + 7 * port} {level - 15}h0.1" for port in range(draw.number(2, 4)))
    return [
        _circle(draw.number(12, 28), draw.number(12, 22), draw.number(5, 9), palette[1]),
        f'<rect y="{level}" width="80" height="30" fill="{palette[3]}"/>',
        _path(f"M{x} {level - 8}h56l-8 14H{x + 8}z", "#a5312a"),
        _path(f"M{x + 13} {level - 22}h30v14h-30z", "#fff8ee"),
        f'<rect x="{funnel}" y="{level - 36}" width="8" height="14" fill="{palette[4]}"/>',
        f'<path d="{ports}" stroke="{palette[3]}" stroke-width="5" stroke-linecap="round" fill="none"/>',
    ]


def _orchard(draw: Draw, palette: Palette) -> list[str]:
    """Round trees in a row before a hill."""
    shapes = [_circle(draw.number(50, 68), draw.number(12, 22), draw.number(6, 10), palette[1])]
    crest = draw.number(44, 52)
    shapes.append(_path(f"M0 {crest + 6}Q40 {crest - 14} 80 {crest + 4}V80H0z", palette[2]))
    step = draw.number(18, 24)
    for x in range(draw.number(4, 12), 84, step):
        top, radius = draw.number(42, 52), draw.number(7, 10)
        shapes.append(f'<rect x="{x - 1}" y="{top}" width="2" height="30" fill="{palette[4]}"/>')
        shapes.append(_circle(x, top, radius, palette[3]))
    shapes.append(f'<rect y="{draw.number(70, 73)}" width="80" height="12" fill="{palette[4]}"/>')
    return shapes


FAMILIES: tuple[Callable[[Draw, Palette], list[str]], ...] = (_tide, _hills, _lighthouse, _moon, _rain, _dunes, _ferry, _orchard)
