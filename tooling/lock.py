"""``python -m tooling.lock [--upgrade]``: resolve the locks of ``requirements/`` from ``pyproject.toml``.

The demo's lock has the releases of the tests' lock, and the bootstrap lock its setuptools. Locks name no index, so any
index with the same files serves.
"""

from __future__ import annotations

import sys
from typing import Final

from tooling.python_packages import BOOTSTRAP, LOCKS, PYTHON
from tooling.steps import ROOT, show

_PYTHON: Final = "3.11"
_UV: Final = "uv==0.13.9"


def main(arguments: list[str]) -> None:
    """Resolve once, for every supported Python and system."""
    project, test, tools = ROOT / "pyproject.toml", LOCKS / "test.lock", LOCKS / "bootstrap.in"
    resolve = (
        PYTHON.with_name("uv"),
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--generate-hashes",
        "--python-version",
        _PYTHON,
    )
    plain = (*resolve, "--no-emit-index-url", "--no-annotate", "--no-header")
    show(*plain, "--extra", "dev", project, "-o", test, *arguments)
    show(*plain, "--extra", "demo", "-c", test, project, "-o", LOCKS / "demo.lock")
    tools.write_text(f"{_UV}\nsetuptools\n")
    try:
        show(*plain, "-c", test, tools, "-o", BOOTSTRAP)
    finally:
        tools.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
