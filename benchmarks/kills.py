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
TEST: Final = "tests/integration/test_host_real.py::test_a_killed_host_loses_and_repeats_nothing"


def run() -> list[dict[str, Any]]:
    """Number of kills survived with ledger, keys and server in exact agreement.

    RuntimeError at the first that was not.
    """
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", TEST]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "GOMAA_KILLS": str(KILLS)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stdout[-2_000:])
    detail = {
        "what": "host processes killed; what is counted is compared after the last one",
        "seconds": round(time.monotonic() - began),
    }
    return [Figure("host_kills", KILLS, "kills", "goal", 1_000, "higher", detail).to_json()]
