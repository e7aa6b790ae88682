"""Benchmarks in their smallest form: each module runs once, and a test for each name reads its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

from benchmarks.__main__ import MODULES

ROOT: Final = Path(__file__).resolve().parents[2]
IN_A_BROWSER: Final = frozenset(
    [
        "click_trace",
        "cpu",
        "engine",
        "memory",
        "seeks",
        "seeks_far",
        "seeks_firefox",
        "seeks_firefox_far",
        "starts",
        "starts_far",
        "starts_firefox",
        "starts_firefox_far",
    ]
)
"""Modules that start Chromium or Firefox."""

FIELDS: Final = {"name", "value", "unit", "peer", "peer_value", "ratio", "better"}


@cache
def _ran(modules: frozenset[str]) -> tuple[str, tuple[dict[str, Any], ...]]:
    """Return a run's standard error and its figures."""
    names = [next(name for name, place in MODULES.items() if place == module) for module in sorted(modules)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GOMAA_BENCH_")}
    # Linear-algebra threads that spin while they wait for a core take minutes beside other tests.
    environment["OPENBLAS_NUM_THREADS"] = "1"
    command = [sys.executable, "-m", "benchmarks", "--smallest", *names]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    # 1: a module failed; the checks of its own names report it.
    assert done.returncode in (0, 1), done.stderr[-4_000:]
    return done.stderr, tuple(json.loads(line) for line in done.stdout.splitlines())


def check(name: str) -> None:
    """Check that a name has a finite figure of its own.

    Args:
        name: Of the list of ``build.py bench``. A figure is called that, or begins with it: ``gas_per_play_1k``.
    """
    module = MODULES[name]
    # Browser benchmarks share one scene in one process.
    said, figures = _ran(IN_A_BROWSER if module in IN_A_BROWSER else frozenset({module}))
    assert f"{module} could not be measured" not in said, said[-4_000:]
    mine = [figure for figure in figures if figure["name"] == name or figure["name"].startswith(f"{name}_")]
    assert mine, said[-4_000:]
    for figure in mine:
        assert set(figure) - {"detail"} == FIELDS
        assert all(isinstance(figure[key], str) and figure[key] for key in ("name", "unit", "peer"))
        assert all(type(figure[key]) in (int, float) for key in ("value", "peer_value"))
        assert figure["better"] in ("lower", "higher")
        expected = round(figure["value"] / figure["peer_value"], 4) if figure["peer_value"] else None
        assert figure["ratio"] == expected
