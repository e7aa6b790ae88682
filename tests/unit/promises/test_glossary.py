"""``docs/glossary.md`` against the repository."""

from __future__ import annotations

import re

import pytest

from tests.unit.promises.documents import ROOT

PLANNED = "Planned, not built"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and line.count("|") == 4 and not line.startswith("| word |")
]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_words_place_exists(row: list[str]) -> None:
    """A missing file would leave a reader of the glossary without the code or page of a word."""
    _, meaning, where = row
    paths = re.findall(r"`([^`]+)`", where)
    assert paths or PLANNED in meaning
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_a_word_has_one_row() -> None:
    """A word with two rows has two meanings."""
    words = [word for row in ROWS for word in row[0].split(", ")]
    assert len(ROWS) > 50
    assert sorted({word for word in words if words.count(word) > 1}) == []
