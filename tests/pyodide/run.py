"""Run the core's tests under Pyodide in node: ``python tests/pyodide/run.py [pytest arguments]``.

Downloads the pure wheels once (pip, hashes of the two lock files), then starts
``run.mjs``. ``--wheels`` only downloads. The exit code is pytest's.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "requirements-pyodide.lock"
TESTS = ROOT / "tests" / "pyodide" / "requirements.lock"
WHEELS = ROOT / ".cache" / "pyodide-wheels"
TEST_WHEELS = ROOT / ".cache" / "pyodide-test-wheels"


def wheels(lock: Path, into: Path) -> None:
    """Download exactly the wheels of ``lock`` to ``into``, unless they are there."""
    mark = into / "lock"
    if mark.exists() and mark.read_bytes() == lock.read_bytes():
        return
    into.mkdir(parents=True, exist_ok=True)
    for old in into.glob("*.whl"):
        old.unlink()
    # Python 3.14 without a platform: what Pyodide 314 can run as it is.
    target = ("--python-version", "3.14", "--implementation", "py", "--platform", "any", "--only-binary=:all:")
    pip = (
        sys.executable,
        "-m",
        "pip",
        "download",
        "-qq",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
    )
    subprocess.run((*pip, *target, "--requirement", lock, "--dest", into), check=True)
    mark.write_bytes(lock.read_bytes())


def main(arguments: list[str]) -> int:
    """Download, run, and return pytest's exit code."""
    wheels(CORE, WHEELS)
    if arguments == ["--wheels"]:
        return 0
    wheels(TESTS, TEST_WHEELS)
    return subprocess.call(("node", ROOT / "tests" / "pyodide" / "run.mjs", *arguments), cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
