"""Run the project's checks and tests in parts: ``python -m tooling.suite [all | quick | coverage | soak]``.

A failed test is run once more, alone. One that passes then is unsteady: it is named and counted, and the run
fails when that had more than ``MOST_UNSTEADY`` causes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tooling.steps import ROOT, say

CORES: Final = os.cpu_count() or 1

MOST_UNSTEADY: Final = 2
"""Causes in one run for which tests may pass only when run again.

Tests of a file that fail with the same words, such as those of a fixture
that they share, have one cause."""

MOST_RERUNS: Final = 10
"""Failed tests of a part that are run again; more of them are no accident."""

REASON_CHARACTERS: Final = 400
"""Of a failed test's reason, in the summary."""

HANG_S: Final = 600
"""Seconds after which a test is taken for hanging: it is failed, and the stacks of its threads are printed."""

PASSED, FAILED = 0, 1
"""pytest's exit codes; every other one means that the tests did not run to their end."""

APART: Final = ("tests/simulation", "tests/contracts", "tests/fuzz", "tests/vectors", "tests/unit")
"""Tests without browsers and servers: they keep the processor busy, so one worker for each core."""

ALONE: Final = ("tests/e2e/test_crashes.py", "tests/e2e/test_gapless.py", "tests/e2e/test_long_session.py")
"""Tests that others beside them would change: they kill processes, record sound and measure a browser's memory."""

SLOW: Final = ("chain", "extension/test_pack.py", "features", "station/test_station_browser.py", "studio", "watermark")
"""Unit tests that work on recordings, pack the extension, or start a chain or a browser."""

QUICK: Final = ("tests/unit", *(f"--ignore=tests/unit/{name}" for name in SLOW))
"""The other unit tests."""


@dataclass(frozen=True)
class Part:
    """One pytest run.

    Attributes:
        title: Printed before the run.
        arguments: What to run, for pytest.
        workers: Processes. Each takes whole files, so that what a file's tests share is made once; 1 is no extra
            process.
        environment: Variables added to this process's.
        hang_s: Seconds after which a test is taken for hanging.
    """

    title: str
    arguments: tuple[str, ...]
    workers: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    hang_s: int = HANG_S

    def command(self) -> tuple[str, ...]:
        """Pytest's arguments for the whole part."""
        # In the order given, long files first: xdist would begin with those of many tests.
        beside = ("-n", str(self.workers), "--dist", "loadfile", "--no-loadscope-reorder") if self.workers > 1 else ()
        return (*self.arguments, *beside, f"--timeout={self.hang_s}")

    def again(self, test: str) -> tuple[str, ...]:
        """Pytest's arguments for one test of the part."""
        return ("-v", test, f"--timeout={self.hang_s}")


PARTS: Final[Mapping[str, tuple[Part, ...]]] = {
    "all": (
        Part("units, contracts, vectors and kept fuzzing inputs", ("-q", *APART), CORES),
        Part(
            "chains, servers and browsers; they wait more than they work",
            ("-v", "--durations=20", "tests", *(f"--ignore={path}" for path in (*APART, *ALONE))),
            CORES,
        ),
        Part("crashes, gapless joins and memory, alone", ("-v", *ALONE)),
    ),
    "quick": (Part("units without sound, chain and browser", ("-q", *QUICK), CORES),),
    "coverage": (
        Part(
            "units with branch coverage", ("-q", "tests/unit", "--cov", "--cov-report=term", "--cov-report=html"), CORES
        ),
    ),
    "soak": (
        Part(
            "property tests, long",
            ("-q", "-m", "hypothesis", *APART),
            CORES,
            {"HYPOTHESIS_PROFILE": "soak"},
            4 * 3600,
        ),
    ),
}

LINT: Final[Mapping[str, Sequence[str]]] = {
    "ruff": (sys.executable, "-m", "ruff", "check", "."),
    "ruff format": (sys.executable, "-m", "ruff", "format", "--check", "--quiet", "."),
    "mypy": (sys.executable, "-m", "mypy"),
    "tsc": ("npm", "run", "--silent", "check"),
    "eslint": ("npm", "run", "--silent", "lint"),
    "web-ext lint": ("npm", "run", "--silent", "lint:extension"),
    "node tests": ("npm", "run", "--silent", "test"),
}

CHECKS: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "all": LINT,
    "quick": LINT,
    "coverage": {},
    "soak": {"settlement game": (sys.executable, "-m", "tests.contracts.settlement_game", "--examples", "3000")},
}
"""Programs that run before pytest, by mode."""


@dataclass(frozen=True)
class Outcome:
    """Result of a part.

    Attributes:
        unsteady: Tests that failed, and passed when run again.
        failed: Tests that failed twice, or were not run again.
        broken: Exit code of a run that broke off.
        reasons: The first line of what each test said when it failed first.
    """

    unsteady: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    broken: int | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


Run = Callable[[Sequence[str]], tuple[int, Mapping[str, str]]]
"""Runs pytest with these arguments; its exit code, and the node id and the reason of each test that failed."""


def outcome(part: Part, run: Run) -> Outcome:
    """Run a part, then each of its failed tests once more in a process of its own."""
    code, failed = run(part.command())
    if code not in (PASSED, FAILED) or (code == FAILED) != bool(failed):
        return Outcome(failed=tuple(failed), broken=code, reasons=failed)
    if len(failed) > MOST_RERUNS:
        return Outcome(failed=tuple(failed), reasons=failed)
    again = {}
    for test in failed:
        say(f"once more, alone: {test}")
        again[test], _ = run(part.again(test))
    return Outcome(
        unsteady=tuple(test for test in failed if again[test] == PASSED),
        failed=tuple(test for test in failed if again[test] != PASSED),
        reasons=failed,
    )


def verdict(outcomes: Sequence[Outcome]) -> tuple[int, list[str]]:
    """Exit code of the whole run, and the lines that explain it."""
    unsteady = [test for one in outcomes for test in one.unsteady]
    failed = [test for one in outcomes for test in one.failed]
    broken = [one.broken for one in outcomes if one.broken is not None]
    reasons = {test: reason for one in outcomes for test, reason in one.reasons.items()}
    lines = []
    for kind, tests in (("unsteady (passed when run again)", unsteady), ("failed", failed)):
        for test in tests:
            lines += [f"{kind}: {test}", *([f"  {reasons[test]}"] if reasons.get(test) else [])]
    lines += [f"pytest broke off with exit code {code}" for code in broken]
    causes = {(test.partition("::")[0], reasons.get(test) or test) for test in unsteady}
    lines.append(
        f"{len(unsteady)} unsteady of {len(causes)} causes (at most {MOST_UNSTEADY} may be), {len(failed)} failed"
    )
    return int(bool(failed or broken or len(causes) > MOST_UNSTEADY)), lines


def pytest(environment: Mapping[str, str], root: Path = ROOT) -> Run:
    """A ``Run`` by a pytest process at the root of a project, with these variables added to its environment."""
    # Tests start hundreds of interpreters; without compiled modules each takes three times as long.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run(arguments: Sequence[str]) -> tuple[int, Mapping[str, str]]:
        with tempfile.TemporaryDirectory() as folder:
            cache, report = Path(folder), Path(folder) / "report.xml"
            command = [sys.executable, "-m", "pytest", "-o", f"cache_dir={cache}", f"--junitxml={report}", *arguments]
            code = subprocess.call(command, cwd=root, env={**kept, **environment})
            said = reasons(report)
            return code, {test: said.get(test, "") for test in last_failed(cache)}

    return run


def last_failed(cache: Path) -> list[str]:
    """Node ids of the failed tests in a pytest cache that was empty before the run."""
    path = cache / "v" / "cache" / "lastfailed"
    return list(json.loads(path.read_text())) if path.exists() else []


def reasons(report: Path) -> dict[str, str]:
    """The first line of each failure in a JUnit report, by the node id of a test that is in no class."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase") if report.exists() else ():  # noqa: S314 - our own pytest wrote it
        for kind in ("failure", "error"):
            for one in case.findall(kind):
                path = case.get("classname", "").replace(".", "/")
                line = next(iter(one.get("message", "").splitlines()), "")
                found[f"{path}.py::{case.get('name', '')}"] = line[:REASON_CHARACTERS]
    return found


def check(title: str, command: Sequence[str]) -> bool:
    """Run a program; its output is printed when it fails."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    say(title if done.returncode == PASSED else f"{title} failed ({done.returncode}):\n{done.stdout}")
    return done.returncode == PASSED


def main(mode: str) -> int:
    """Run the checks and the parts of a mode; the exit code."""
    with ThreadPoolExecutor(CORES) as threads:
        passed = list(threads.map(check, CHECKS[mode], CHECKS[mode].values()))
    if not all(passed):
        return FAILED
    outcomes = []
    for part in PARTS[mode]:
        say(f"pytest: {part.title}")
        outcomes.append(outcome(part, pytest(part.environment)))
    code, lines = verdict(outcomes)
    for line in lines:
        say(line)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "all"))
