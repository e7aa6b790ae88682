"""Every benchmark without a browser runs in its smallest form and gives finite figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from benchmarks.__main__ import MODULES
from benchmarks.scale_model.measure import STEPS
from tests.integration.benchmark_names import IN_A_BROWSER, ROOT, check


@pytest.mark.parametrize("name", [name for name, module in MODULES.items() if module not in IN_A_BROWSER])
def test_a_benchmark_prints_its_figure(name: str) -> None:
    """``build.py bench NAME`` succeeds, and prints the figure with its peer's value and their ratio."""
    check(name)


def test_the_costs_of_the_scale_model_are_measured() -> None:
    """``python -m benchmarks.scale_model.measure`` prints a cost for each step and each table."""
    environment = {**os.environ, "GOMAA_BENCH_SMALLEST": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale_model.measure"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    found = json.loads(done.stdout)
    # What a key adds is a difference, which chance may turn over tiny inputs.
    assert all(cost > 0 for name, cost in found["us"].items() if name != "key_us")
    assert found["us"].keys() == {*STEPS, "key_us"}
    assert found["row_bytes"].keys() == {"tickets", "lines", "receipts", "invocations"}
    assert all(size > 32 for size in found["row_bytes"].values())


def test_an_unknown_figure_is_refused() -> None:
    """A misspelt name is reported at once, with the known names, and nothing is measured."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "seek", "loudest"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "loudest" in done.stderr
    assert all(name in done.stderr for name in MODULES)
    assert done.stdout == ""
