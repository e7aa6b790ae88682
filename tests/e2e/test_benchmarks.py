"""Every benchmark in a browser works: in its smallest form each gives whole figures."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import MODULES
from tests.integration.benchmark_names import IN_A_BROWSER, check


@pytest.mark.parametrize("name", [name for name, module in MODULES.items() if module in IN_A_BROWSER])
def test_a_benchmark_gives_its_figure(name: str) -> None:
    """``build.py bench NAME`` ends well, and prints the figure with its peer's value and their ratio."""
    check(name)
