"""The core's own tests under the extension's Python."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

RUNNER = Path(__file__).resolve().parents[1] / "pyodide" / "run.py"


def test_the_cores_tests_pass_under_pyodide() -> None:
    """Every portable test of pywallet passes under Pyodide too, and none is skipped there."""
    done = subprocess.run((sys.executable, RUNNER, "-q"), capture_output=True, text=True, timeout=900, check=False)
    closing = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert re.fullmatch(r"\d+ passed(, \d+ warnings?)? in .*", closing), closing


def test_a_failing_coroutine_test_fails_the_run_under_pyodide() -> None:
    """The runner awaits coroutine tests and reports their failure."""
    case = Path(__file__).resolve().parents[1] / "pyodide" / "failing.py"
    done = subprocess.run(
        (sys.executable, RUNNER, "-q", str(case.relative_to(RUNNER.parents[2]))),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
    assert "1 failed, 1 passed" in done.stdout
