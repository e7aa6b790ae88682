"""Every benchmark without a browser runs in its smallest form and gives finite figures."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.__main__ import MODULES
from tests.integration.benchmark_names import IN_A_BROWSER, ROOT, check


@pytest.mark.parametrize("name", [name for name, module in MODULES.items() if module not in IN_A_BROWSER])
def test_a_benchmark_prints_its_figure(name: str) -> None:
    """``build.py bench NAME`` succeeds, and prints the figure with its peer's value and their ratio."""
    check(name)


def test_an_unknown_figure_is_refused() -> None:
    """A misspelt name is reported at once, with the known names, and nothing is measured."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "seek", "loudest"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "loudest" in done.stderr
    assert all(name in done.stderr for name in MODULES)
    assert done.stdout == ""
