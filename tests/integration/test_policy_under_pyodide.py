"""The decision function gives equal results under the browser's Python and the servers' Python."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.pyodide.decisions import NUMBER
from tests.unit.pywallet.policy.test_properties import digest

RUNNER = Path(__file__).resolve().parents[1] / "pyodide" / "run.py"


def test_a_hundred_thousand_decisions_are_equal() -> None:
    """Allowed, code, rule, what is left, what counts and what is destroyed.

    Equal in every one of 10^5 generated cases.
    """
    done = subprocess.run(
        (sys.executable, RUNNER, "-q", "-s", "tests/pyodide/decisions.py"),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found = re.search(r"decisions ([0-9a-f]{64})", done.stdout)
    assert found is not None, done.stdout[-500:]
    assert found[1] == digest(NUMBER)
