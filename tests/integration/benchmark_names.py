"""Benchmarks run in their smallest form, each module once; a test for each name reads its figures."""

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
IN_A_BROWSER: Final = frozenset({"cpu", "engine", "memory", "players", "players_far"})
"""Modules that start Chromium."""

FIELDS: Final = {"name", "value", "unit", "peer", "peer_value", "ratio", "better"}


@cache
def measured(module: str) -> tuple[dict[str, Any], ...]:
    """Run a module of benchmarks by the command line, with one round over tiny inputs."""
    name = next(name for name, place in MODULES.items() if place == module)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GOMAA_BENCH_")}
    command = [sys.executable, "-m", "benchmarks", "--smallest", name]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4_000:]
    return tuple(json.loads(line) for line in done.stdout.splitlines())


def check(name: str) -> None:
    """A name has a figure of its own, and every figure of its module is whole.

    Args:
        name: Of the list of ``build.py bench``. A figure is called that, or begins with it: ``gas_per_play_1k``.
    """
    figures = measured(MODULES[name])
    assert any(figure["name"] == name or figure["name"].startswith(f"{name}_") for figure in figures)
    for figure in figures:
        assert set(figure) - {"detail"} == FIELDS
        assert all(isinstance(figure[key], str) and figure[key] for key in ("name", "unit", "peer"))
        assert all(type(figure[key]) in (int, float) for key in ("value", "peer_value"))
        assert figure["better"] in ("lower", "higher")
        expected = round(figure["value"] / figure["peer_value"], 4) if figure["peer_value"] else None
        assert figure["ratio"] == expected
