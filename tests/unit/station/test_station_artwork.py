"""Covers drawn from addresses."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.pages.artwork import (
    FAMILIES,
    PALETTES,
    Draw,
    artwork,
    shapes,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "artwork.json").read_text())
SVG = "{http://www.w3.org/2000/svg}"


@given(st.binary(min_size=20, max_size=20))
def test_cover_is_safe_xml(content: bytes) -> None:
    """Every address gives well-formed SVG of plain shapes, without script, style or any reference."""
    root = ElementTree.fromstring(artwork(content))
    assert root.tag == f"{SVG}svg"
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {"svg", "rect", "circle", "path"}
    names = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in names if name.startswith("on") or "href" in name or name == "style"}
    assert len(artwork(content)) < 4096


@given(st.binary(min_size=20, max_size=20))
def test_cover_is_deterministic(content: bytes) -> None:
    """The same address is the same picture."""
    assert artwork(content) == artwork(bytes(content))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["address"][:10])
def test_cover_never_changes(vector: dict[str, Any]) -> None:
    """Known addresses have the recorded pictures, which the extension draws as well.

    A change of the drawing is a decision.
    """
    assert [list(shape) for shape in shapes(bytes.fromhex(vector["address"][2:]))] == vector["shapes"]


def test_every_family_and_palette_is_used() -> None:
    """A few hundred addresses meet every palette, and pictures differ."""
    pictures = {artwork(hashlib.sha256(bytes([n % 256, n // 256])).digest()[:20]) for n in range(400)}
    assert len(pictures) > 390
    grounds = {re.search(r'fill="(#\w+)"', picture).group(1) for picture in pictures}
    assert grounds == {palette.sky for palette in PALETTES}
    assert len(FAMILIES) >= 6


@given(st.text(max_size=60), st.integers(-50, 50), st.integers(0, 100))
def test_numbers_stay_in_range(seed: str, low: int, span: int) -> None:
    """A drawn number lies in its range."""
    draw = Draw(seed)
    assert all(low <= draw.whole(low, span) <= low + span for _ in range(40))


def test_only_addresses_have_covers() -> None:
    """Anything but 20 bytes is refused."""
    with pytest.raises(ValueError):
        artwork(b"short")
