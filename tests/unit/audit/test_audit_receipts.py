"""Receipts from files, and the forms of a report."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from audit.receipts import amounts, highest, read_all
from audit.report_text import text, works
from audit.reports import Report, Work
from pywallet.crypto import address_of, keccak256
from pywallet.protocol import Domain, Receipt, sign

DOMAIN = Domain(31337, b"\x55" * 20)
KEY = keccak256(b"server")
SERVER, FAN = address_of(KEY), b"\x07" * 20


def test_receipts_are_read_in_every_form_and_forged_ones_ignored(tmp_path: Path) -> None:
    """A receipt would be missed, or one with a wrong signature counted."""
    small, large, other = (
        sign(Receipt(SERVER, epoch, FAN, n, bytes(32)), DOMAIN, KEY).to_json()
        for epoch, n in ((5, 10), (5, 30), (6, 1))
    )
    forged = sign(Receipt(SERVER, 5, FAN, 999, bytes(32)), DOMAIN, keccak256(b"thief")).to_json()
    changed = json.loads(json.dumps(large).replace('"30"', '"31"'))
    assert changed != large
    (tmp_path / "one.json").write_text(json.dumps(small))
    (tmp_path / "list.json").write_text(json.dumps([forged, changed, 5, None, {}, "text"]))
    (tmp_path / "lines.jsonl").write_text(
        f"{json.dumps({'receipt': large, 'detail': {}})}\nnot json\n{json.dumps(forged)}\n"
    )
    (tmp_path / "answer.json").write_text(json.dumps({"receipts": [{"receipt": other, "detail": {}}]}))
    (tmp_path / "notes.txt").write_text(json.dumps(forged))
    assert amounts(highest(read_all([tmp_path], DOMAIN))) == {(SERVER, 5): {FAN: 30}, (SERVER, 6): {FAN: 1}}


def test_table_csv_and_json_have_the_same_numbers() -> None:
    """An amount would differ between the forms, or a title be evaluated as a formula."""
    statement = Report("band", ("content", "title", "earned_wei"))
    statement.rows = [
        {"content": "0x" + "ab" * 20, "title": "=1+1", "earned_wei": 10**18 + 1},
        {"content": "x", "title": "b", "earned_wei": 2},
    ]
    assert json.loads(text(statement, "json"))["totals"] == {"earned_wei": str(10**18 + 3)}
    rows = list(csv.DictReader(text(statement, "csv").splitlines()))
    assert [row["earned_wei"] for row in rows] == [str(10**18 + 1), "2"]
    assert rows[0]["title"] == "'=1+1"
    table = text(statement, "table").splitlines()
    assert table[-1].split() == ["sum", "1.000000000000000003"]
    assert "0xababab…abab" in table[2]


def test_recordings_are_read_from_csv(tmp_path: Path) -> None:
    """Titles, artists and ISRCs of a CSV file would be missing."""
    (tmp_path / "works.csv").write_text(f"content,title,artist,isrc\n0x{'0a' * 20},Tide,Band,DEAAA2600001\n")
    assert works((tmp_path / "works.csv",)) == {b"\x0a" * 20: Work("Tide", "Band", "DEAAA2600001")}
    (tmp_path / "broken.sps").write_bytes(b"no song")
    assert works((tmp_path,)) == {}
