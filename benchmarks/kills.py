"""kill -9 of the host at random moments of a flood of invocations, again and again.

The test's own check, many more times.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any, Final

from benchmarks.figure import Figure
from benchmarks.scale import setting
from demo.paths import ROOT

KILLS: Final = setting("GOMAA_BENCH_KILLS", 1000, 4)
FILE: Final = "tests/integration/test_host_kills.py"
TESTS: Final = (
    f"{FILE}::test_a_killed_host_loses_and_repeats_nothing",
    f"{FILE}::test_a_host_killed_beside_holds_loses_and_doubles_none",
)


def run() -> list[dict[str, Any]]:
    """Number of kills of each kind, beside seeks and beside holds, with ledger, keys and server in exact agreement.

    RuntimeError at the first that was not.
    """
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", *TESTS]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "GOMAA_KILLS": str(KILLS)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stdout[-2_000:])
    detail = {
        "what": "host processes killed beside seeks, and as many beside holds; counts are compared after the last one",
        "seconds": round(time.monotonic() - began),
    }
    return [Figure("host_kills", KILLS, "kills", "goal", 1_000, "higher", detail).to_json()]
