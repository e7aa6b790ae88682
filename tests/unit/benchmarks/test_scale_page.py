"""docs/scale.md against the command that makes its tables."""

from __future__ import annotations

import json
import re
import sys

import pytest

from benchmarks.scale_model import __main__ as command
from benchmarks.scale_model.results import SCALES, Results, results
from benchmarks.scale_model.tables import duration, short, tables, written
from demo.paths import ROOT

PAGE = ROOT / "docs" / "scale.md"


@pytest.fixture(scope="module")
def found() -> Results:
    """Computed once."""
    return results()


def test_the_page_has_the_tables_of_the_command(found: Results) -> None:
    """Write them with ``python -m benchmarks.scale_model --write``."""
    text = PAGE.read_text(encoding="utf-8")
    assert written(text, tables(found)) == text


def test_a_table_without_its_place_is_refused() -> None:
    """A table that the page forgets, or a mark without a table, is an error."""
    page = "<!-- generated: load -->\nold\n<!-- end -->\n"
    assert written(page, {"load": "new\n"}) == "<!-- generated: load -->\nnew\n<!-- end -->\n"
    for made in ({}, {"load": "", "limits": ""}, {"other": ""}):
        with pytest.raises(ValueError, match="one mark for each table"):
            written(page, made)


def test_the_command_prints_json(
    found: Results, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every scale has its load and its crowd, and every limit says what would move it."""
    monkeypatch.setattr(command, "results", lambda: found)
    monkeypatch.setattr(sys, "argv", ["scale_model"])
    assert command.main() == 0
    printed = json.loads(capsys.readouterr().out)
    assert [one["listeners"] for one in printed["loads"]] == list(SCALES)
    assert len(printed["crowds"]) == len(SCALES)
    assert all(one["moved_by"] and one["place"] for one in printed["limits"])
    assert printed == found.to_json()


def test_the_command_prints_and_writes_tables(
    found: Results, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    """``--tables`` prints them all; ``--write`` leaves a page that is current as it is."""
    monkeypatch.setattr(command, "results", lambda: found)
    monkeypatch.setattr(sys, "argv", ["scale_model", "--tables"])
    assert command.main() == 0
    out = capsys.readouterr().out
    assert all(text in out for text in tables(found).values())
    copy = PAGE.__class__(str(tmp_path)) / "scale.md"
    copy.write_text(re.sub(r"\n\| 10,000 .*", "", PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    monkeypatch.setattr(command, "PAGE", copy)
    monkeypatch.setattr(sys, "argv", ["scale_model", "--write"])
    assert command.main() == 0
    assert copy.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")


def test_limits_are_in_the_order_in_which_they_break(found: Results) -> None:
    """The first row of the table is the first limit."""
    at = [one.breaks_at for one in found.limits if one.breaks_at is not None]
    assert at == sorted(at)
    assert [one.breaks_at for one in found.limits if one.breaks_at is None] == [
        one.breaks_at for one in found.limits[len(at) :]
    ]


def test_places_of_limits_exist(found: Results) -> None:
    """A limit names its constant in a file that has it."""
    for one in found.limits:
        names = re.findall(r"`([^`]+)`", one.limit.place)
        paths = [ROOT / name for name in names if "/" in name]
        assert all(path.is_file() for path in paths), one.limit.place
        sources = "".join(path.read_text(encoding="utf-8") for path in paths)
        for name in names:
            if paths and "/" not in name and name not in ("block_gas", "grace", "core_percent"):
                assert name.rpartition(".")[2] in sources, name


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.00 kB"), (2_778, "2.78 kB"), (99_960, "100 kB"), (999_600, "1.00 MB")],
)
def test_numbers_are_rounded_to_three_digits(value: int, text: str) -> None:
    """A prefix changes where the rounded number needs a fourth digit."""
    assert short(value, "B") == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [(0, "0.00 ms"), (6_411_848, "6.41 ms"), (1_999_999_999, "2000.00 ms"), (2 * 10**9, "2.00 s"), (10**13, "2.78 h")],
)
def test_times_have_two_decimals(ns: int, text: str) -> None:
    """A unit is used from two of it on."""
    assert duration(ns) == text
