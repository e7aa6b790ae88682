"""The pages of the format say what the code does."""

from __future__ import annotations

import re

from pywallet.encoding import cbor
from pywallet.errors import SENTENCES
from pywallet.sps import live
from pywallet.sps.container import MAX_HEADER
from tests.vectors.codes import MODULE, PAGE, module, page


def test_the_register_of_codes_is_the_programs() -> None:
    """Every code and sentence stands in docs/format/codes.md (python -m tests.vectors.codes writes it)."""
    assert PAGE.read_text() == page()


def test_the_extension_knows_the_registers_codes() -> None:
    """extension/shared/codes.js has them, and what a station or a server may answer."""
    assert MODULE.read_text() == module()


def test_the_format_names_only_registered_codes() -> None:
    """A code in the format's pages is one that a reader can give."""
    for path in PAGE.parent.glob("*.md"):
        named = re.findall(r"`((?:sps|policy|content|server)\.[a-z_.]+)`", path.read_text())
        assert set(named) - {"server.key", "policy.cddl"} <= SENTENCES.keys(), path.name


def test_the_bounds_are_the_readers() -> None:
    """The table of bounds in README.md holds the numbers that the reader uses."""
    rows = re.findall(
        r"^\| ([a-z, ]+) \| ([\d,]+) \| ([\d,]+) \|$", (PAGE.parent / "README.md").read_text(), re.MULTILINE
    )
    table = {name: tuple(int(value.replace(",", "")) for value in values) for name, *values in rows}
    limits = (cbor.LIMITS, live.LIMITS)
    assert table["signed bytes"] == (MAX_HEADER, MAX_HEADER)
    assert table["items, keys included"] == tuple(limit.items for limit in limits)
    assert table["bytes in one string"] == tuple(limit.string for limit in limits)
    assert table["entries in one list"] == tuple(limit.entries for limit in limits)
    assert table["pairs in one map"] == tuple(limit.pairs for limit in limits)
    assert table["lists and maps within each other"] == (cbor.MAX_DEPTH, cbor.MAX_DEPTH)
