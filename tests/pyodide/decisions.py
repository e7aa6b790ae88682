"""A hundred thousand decisions in one hash, run by tests/integration/test_policy_under_pyodide.py."""

from __future__ import annotations

from typing import Final

from tests.unit.pywallet.policy.test_properties import digest

NUMBER: Final = 100_000


def test_decisions() -> None:
    """Print the hash."""
    print(f"\ndecisions {digest(NUMBER)}")
