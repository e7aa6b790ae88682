"""The mutation tool: its mutants, and its refusal to judge where the unchanged contract fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.contracts import mutate
from tests.contracts.mutate import Mutant

BOUND = '    assert price < 2**96 and self.count + 1 <= MAX, "price < 0"'


def test_each_bound_of_a_line_is_mutated_alone() -> None:
    """Every comparison, sum and connective once, the refusal omitted once; the reason's text is not mutated."""
    found = [(Mutant("a.vy", 1, BOUND, after).kind, after.strip()) for after in mutate._changes(BOUND)]
    assert sorted(found) == sorted([
        ("refusals", "pass"),
        ("comparisons", 'assert price <= 2**96 and self.count + 1 <= MAX, "price < 0"'),
        ("comparisons", 'assert price < 2**96 and self.count + 1 < MAX, "price < 0"'),
        ("sums", 'assert price < 2**96 or self.count + 1 <= MAX, "price < 0"'),
        ("sums", 'assert price < 2**96 and self.count - 1 <= MAX, "price < 0"'),
        ("sums", 'assert price < 2**96 and self.count + 2 <= MAX, "price < 0"'),
    ])  # fmt: skip


def test_omitted_lines_are_classified() -> None:
    """A refused transfer is a refusal, whatever replaces it."""
    lines = {
        '    assert extcall TOKEN.transfer(to, amount), "token"': "refusals",
        "    self.offer = empty(Offer)": "statements",
        "    log Retracted()": "events",
        "    self._own()": "statements",
    }
    assert {line: Mutant("a.vy", 1, line, next(mutate._changes(line))).kind for line in lines} == lines
    assert Mutant("a.vy", 1, "@nonreentrant", "").kind == "locks"


def test_nothing_is_judged_where_the_unchanged_contract_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a node, for example, every mutant would count as killed."""
    monkeypatch.setattr(mutate, "noticed", lambda contract: f"killed by tests of {contract}")
    monkeypatch.setattr(sys, "argv", ["mutate", "--only", "gomaa.vy", "--json", str(tmp_path / "verdicts")])
    with pytest.raises(SystemExit, match="GoMAA without a change"):
        mutate.main()
    assert not (tmp_path / "verdicts").exists()


def test_verdicts_are_counted_by_file(tmp_path: Path) -> None:
    """Verdicts count as killed whatever test killed the mutant."""
    rows = [("a.vy", "killed by tests x"), ("a.vy", "killed by time"), ("a.vy", "survived"), ("b.vy", "same code")]
    path = tmp_path / "verdicts"
    path.write_text("".join(json.dumps({"file": file, "verdict": said}) + "\n" for file, said in rows))
    assert mutate.count(path) == {"a.vy": {"killed": 2, "survived": 1}, "b.vy": {"same code": 1}}
