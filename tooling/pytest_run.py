"""One pytest run of the suite: failed tests are run again, and the outcomes make the exit code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tooling.steps import ROOT, say

MOST_UNSTEADY: Final = 2
"""Most causes of unsteady tests in a run that passes.

Tests of one file that fail with the same words, such as those of a shared fixture, have one cause."""

MOST_RERUNS: Final = 10
"""Most failed tests of a part that are run again; more of them are a fault, not chance."""

REASON_CHARACTERS: Final = 400
"""Length of a failed test's reason in the summary."""

HANG_S: Final = 600
"""Seconds after which a test is failed as hanging, with the stacks of its threads."""

PASSED, FAILED = 0, 1
"""pytest's exit codes; every other one means that the tests did not run to their end."""

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - only its folders of random names are used
"""A file system in memory."""

MEMORY_BYTES: Final = 4 << 30
"""Free space of ``MEMORY`` with which a run's temporary files go there."""


@dataclass(frozen=True)
class Part:
    """One pytest run.

    Attributes:
        title: Printed before the run.
        arguments: What to run, for pytest.
        workers: Processes. Each takes whole files, so that what a file's tests share is made once; 1 is no extra
            process.
        environment: Variables added to this process's.
        hang_s: Seconds after which a test is failed as hanging.
        in_memory: True if temporary files go to memory, where there is room: the tests' databases sync every commit.
    """

    title: str
    arguments: tuple[str, ...]
    workers: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    hang_s: int = HANG_S
    in_memory: bool = False

    def command(self) -> tuple[str, ...]:
        """Pytest's arguments for the whole part."""
        # In the order given, long files first: xdist would begin with those of many tests.
        beside = ("-n", str(self.workers), "--dist", "loadfile", "--no-loadscope-reorder") if self.workers > 1 else ()
        return (*self.arguments, *beside, f"--timeout={self.hang_s}")

    def again(self, test: str) -> tuple[str, ...]:
        """Pytest's arguments for one test of the part."""
        return ("-v", test, f"--timeout={self.hang_s}")


@dataclass(frozen=True)
class Outcome:
    """Result of a part.

    Attributes:
        unsteady: Tests that failed, and passed when run again.
        failed: Tests that failed twice, or were not run again.
        broken: Exit code of a run that did not end by itself.
        reasons: First line of each failure, by node id; of the first run.
    """

    unsteady: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    broken: int | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


Run = Callable[[Sequence[str]], tuple[int, Mapping[str, str]]]
"""Runs pytest with arguments; returns its exit code and the reason of each failed test by node id."""


def outcome(part: Part, run: Run) -> Outcome:
    """Run a part, then each of its failed tests once more in its own process."""
    code, failed = run(part.command())
    if code not in (PASSED, FAILED) or (code == FAILED) != bool(failed):
        return Outcome(failed=tuple(failed), broken=code, reasons=failed)
    if len(failed) > MOST_RERUNS:
        return Outcome(failed=tuple(failed), reasons=failed)
    again = {}
    for test in failed:
        say(f"running again, alone: {test}")
        again[test], _ = run(part.again(test))
    return Outcome(
        unsteady=tuple(test for test in failed if again[test] == PASSED),
        failed=tuple(test for test in failed if again[test] != PASSED),
        reasons=failed,
    )


def verdict(outcomes: Sequence[Outcome]) -> tuple[int, list[str]]:
    """Return the exit code of the whole run and the lines of its summary."""
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


def memory() -> Path | None:
    """The file system in memory, or None where there is none with enough room."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES else None


def pytest(environment: Mapping[str, str], root: Path = ROOT, temporary: Path | None = None) -> Run:
    """Return a ``Run`` that starts a pytest process.

    Args:
        environment: Variables added to this process's.
        root: Folder of the project.
        temporary: Folder for all temporary files of the run, which are removed at its end; None: the system's, where
            pytest keeps those of the last runs.
    """
    # Tests start hundreds of interpreters; without compiled modules each takes three times as long.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run(arguments: Sequence[str]) -> tuple[int, Mapping[str, str]]:
        with tempfile.TemporaryDirectory(prefix="gomaa-", dir=temporary) as folder:
            cache, report = Path(folder), Path(folder) / "report.xml"
            place = {"TMPDIR": folder} if temporary else {}
            command = [sys.executable, "-m", "pytest", "-o", f"cache_dir={cache}", f"--junitxml={report}", *arguments]
            code = subprocess.call(command, cwd=root, env={**kept, **place, **environment})
            said = reasons(report)
            return code, {test: said.get(test, "") for test in last_failed(cache)}

    return run


def last_failed(cache: Path) -> list[str]:
    """Return the node ids of the failed tests from a pytest cache that was empty before the run."""
    path = cache / "v" / "cache" / "lastfailed"
    return list(json.loads(path.read_text())) if path.exists() else []


def reasons(report: Path) -> dict[str, str]:
    """Return the first line of each failure in a JUnit report by node id, for tests outside of classes."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase") if report.exists() else ():  # noqa: S314 - our own pytest wrote it
        for kind in ("failure", "error"):
            for one in case.findall(kind):
                path = case.get("classname", "").replace(".", "/")
                line = next(iter(one.get("message", "").splitlines()), "")
                found[f"{path}.py::{case.get('name', '')}"] = line[:REASON_CHARACTERS]
    return found
