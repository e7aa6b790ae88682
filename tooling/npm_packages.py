"""The locked npm packages."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tooling.steps import ROOT, fresh, run, say, stamp

LOCK: Final = ROOT / "package-lock.json"
MODULES: Final = ROOT / "node_modules"


def install(*, tests: bool) -> None:
    """Install exactly what the lock names: ``npm ci`` refuses a lock that does not satisfy package.json.

    Args:
        tests: True for the tools of tests and benchmarks too.
    """
    inputs: tuple[Path, ...] = (LOCK, ROOT / "package.json")
    if MODULES.exists() and (fresh("npm-test", *inputs) or (not tests and fresh("npm-demo", *inputs))):
        return
    say("installing the npm packages")
    run("npm-install", "npm", "ci", "--loglevel=error", *(() if tests else ("--omit=dev",)))
    stamp("npm-test" if tests else "npm-demo", *inputs)
