"""Budgets of property tests."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import settings

from tests.budget import budget, examples

TESTS = Path(__file__).resolve().parents[2]


def test_a_budget_is_in_proportion_to_the_profile() -> None:
    """The long profile has forty times the examples of the default one, in every test alike, and never none."""
    loaded = settings.get_current_profile_name()
    found = {}
    try:
        for name in ("steady", "soak"):
            settings.load_profile(name)
            found[name] = (examples(), budget(0.2).max_examples, budget(3).max_examples, examples(0.0001))
            assert budget().deadline is None
    finally:
        settings.load_profile(loaded)
    assert found == {"steady": (25, 5, 75, 1), "soak": (1000, 200, 3000, 1)}


def test_no_property_test_sets_its_own_number_of_examples() -> None:
    """Such a test would not run longer in the long profile."""
    own = re.compile(r"@settings\(.*max_examples=\d|^\w+ = settings\(.*max_examples=\d", re.MULTILINE)
    assert [path.name for path in TESTS.rglob("test_*.py") if own.search(path.read_text(encoding="utf-8"))] == []
