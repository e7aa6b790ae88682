"""Every browser benchmark runs in its smallest form and gives finite figures."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import MODULES
from tests.integration.benchmark_names import IN_A_BROWSER, check


@pytest.mark.parametrize("name", [name for name, module in MODULES.items() if module in IN_A_BROWSER])
def test_a_benchmark_prints_its_figure(name: str) -> None:
    """``build.py bench NAME`` succeeds, and prints the figure with its peer's value and their ratio."""
    check(name)
