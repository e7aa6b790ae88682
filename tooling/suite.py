"""Run the project's checks and tests: ``python -m tooling.suite [all | quick | coverage | soak]``.

A failed test is run once more, alone. One that passes then is unsteady: it is named and counted, and the run
fails when unsteady tests have more than ``MOST_UNSTEADY`` causes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from tooling.pytest_run import FAILED, PASSED, Outcome, Part, memory, outcome, pytest, verdict
from tooling.steps import ROOT, say

CORES: Final = os.cpu_count() or 1

APART: Final = ("tests/simulation", "tests/contracts", "tests/fuzz", "tests/vectors", "tests/unit")
"""Tests without browsers and servers: they keep the processor busy, so one worker for each core."""

ALONE: Final = ("tests/e2e/test_crashes.py", "tests/e2e/test_gapless.py", "tests/e2e/test_long_session.py")
"""Tests that others beside them would change: they kill processes, record sound and measure a browser's memory."""

LONG: Final = ("chain", "extension/test_pack.py", "features", "station/test_station_browser.py", "studio", "watermark")
"""Unit tests that work on recordings, pack the extension, or start a chain or a browser."""

SHORT: Final = (
    "chain/test_chain_client.py",
    "chain/test_chain_clock.py",
    "chain/test_chain_deployment.py",
    "chain/test_chain_transport.py",
    "chain/test_http_limits.py",
    "features/test_features_table.py",
    "studio/test_policy_hash.py",
    "watermark/test_watermark_embed.py",
)
"""Files of ``LONG`` folders that take little time and none of the above."""

UNITS: Final = "tests/unit"


def left_out() -> list[str]:
    """Paths that a quick run ignores.

    The files of a folder that has some in ``SHORT`` are named one by one: a path that is an argument beside a folder
    above it is not collected if any folder between them is ignored.
    """
    folders = {name.partition("/")[0] for name in SHORT}
    files = {
        path.relative_to(ROOT / UNITS).as_posix()
        for name in folders
        for path in (ROOT / UNITS / name).glob("test_*.py")
    }
    names = (*(name for name in LONG if name not in folders), *sorted(files - set(SHORT)))
    return [f"{UNITS}/{name}" for name in names]


QUICK: Final = (UNITS, *(f"--ignore={path}" for path in left_out()), "-m", "not long")
"""Unit tests of a quick run: neither in ``LONG``, but for ``SHORT``, nor marked ``long``."""

RUFF: Final = {
    "ruff": (sys.executable, "-m", "ruff", "check", "."),
    "ruff format": (sys.executable, "-m", "ruff", "format", "--check", "--quiet", "."),
}

LINT: Final[Mapping[str, Sequence[str]]] = {
    "mypy": (sys.executable, "-m", "mypy"),
    "eslint": ("npm", "run", "--silent", "lint"),
    "prettier": ("npm", "run", "--silent", "format"),
    "node tests": ("npm", "run", "--silent", "test"),
    "tsc": ("npm", "run", "--silent", "check"),
    **RUFF,
}
"""The longest first: they run beside each other."""


@dataclass(frozen=True)
class Mode:
    """Checks and tests of one command.

    Attributes:
        parts: Pytest runs, one after another.
        checks: Other programs by title.
        beside: True if the checks run beside pytest; else pytest runs only when they have passed.
    """

    parts: tuple[Part, ...]
    checks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    beside: bool = False


MODES: Final[Mapping[str, Mode]] = {
    "all": Mode(
        (
            Part("units, contracts, vectors and kept fuzzing inputs", ("-q", *APART), CORES, in_memory=True),
            Part(
                "chains, servers and browsers; they wait more than they work",
                ("-v", "--durations=20", "tests", *(f"--ignore={path}" for path in (*APART, *ALONE))),
                CORES,
            ),
            Part("crashes, gapless joins and memory, alone", ("-v", *ALONE)),
        ),
        {"web-ext lint": ("npm", "run", "--silent", "lint:extension"), **LINT},
    ),
    "quick": Mode(
        (Part("quick units", ("-q", *QUICK), CORES, {"HYPOTHESIS_PROFILE": "quick"}, in_memory=True),),
        LINT,
        beside=True,
    ),
    "coverage": Mode(
        (
            Part(
                "units with branch coverage",
                ("-q", "tests/unit", "--cov", "--cov-report=term", "--cov-report=html"),
                CORES,
            ),
        ),
    ),
    "soak": Mode(
        (
            Part(
                "property tests, long",
                ("-q", "-m", "hypothesis", *APART),
                CORES,
                {"HYPOTHESIS_PROFILE": "soak"},
                4 * 3600,
            ),
        ),
        {"settlement game": (sys.executable, "-m", "tests.contracts.settlement_game", "--examples", "3000")},
    ),
}


def check(title: str, command: Sequence[str]) -> bool:
    """Run a program and print its output if it fails; return whether it passed."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    say(title if done.returncode == PASSED else f"{title} failed ({done.returncode}):\n{done.stdout}")
    return done.returncode == PASSED


def tests(parts: Sequence[Part]) -> list[Outcome]:
    """Run pytest for each part."""
    outcomes = []
    for part in parts:
        say(f"pytest: {part.title}")
        outcomes.append(outcome(part, pytest(part.environment, temporary=memory() if part.in_memory else None)))
    return outcomes


def main(name: str) -> int:
    """Run the checks and parts of a mode; return the exit code."""
    mode = MODES[name]
    with ThreadPoolExecutor(CORES) as threads:
        checks = [threads.submit(check, title, command) for title, command in mode.checks.items()]
        if not mode.beside and not all(one.result() for one in checks):
            return FAILED
        outcomes = tests(mode.parts)
    code, lines = verdict(outcomes)
    for line in lines:
        say(line)
    return code if all(one.result() for one in checks) else FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "all"))
