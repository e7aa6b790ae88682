#!/usr/bin/env python3
"""Build, try, test and measure GoMAA. Standard library only; every command sets up what it needs.

python3 build.py demo        a radio page, a band's song, a fan's wallet, all on this machine
python3 build.py test        every test, both browsers included; --quick: checks and most units, two minutes
python3 build.py soak        property tests with forty times the examples; soak simulation --seeds N: the
                             whole system from seeds; soak kills --kills N: a server killed under load;
                             soak chaos --seeds N: several servers and a PostgreSQL with faults
python3 build.py bench       the figures, each beside its peer
python3 build.py extension   dist/gomaa-chromium.zip and dist/gomaa-firefox.xpi; --source: also dist/gomaa-source.zip
python3 build.py store       dist/store: texts and pictures for the stores, in every language
python3 build.py clean       remove what the commands above made
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NoReturn

from tooling import npm_packages, python_packages
from tooling.python_packages import PYTHON, VENV
from tooling.steps import CACHE, ROOT, BuildError, run, say, show
from tooling.system import system

SOAKS = {"simulation": "tests.simulation", "kills": "tests.integration.kills", "chaos": "tests.integration.chaos"}
"""Programs of ``build.py soak NAME``."""

MADE = (VENV, CACHE, ROOT / "node_modules", ROOT / "dist", ROOT / "build")


def hand_over(*command: str | Path) -> NoReturn:
    """Replace this process by a program, which then receives the signals."""
    line = [str(part) for part in command]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(line[0], line)


def parts(*programs: str, tests: bool) -> None:
    """Set up programs of the system, Python and npm packages, contracts and extension.

    Args:
        programs: System parts beside node and npm.
        tests: True for the tools of tests and benchmarks too.
    """
    system("venv", "compiler", "node", "npm", *programs)
    at_once(partial(python_packages.install, tests=tests), partial(npm_packages.install, tests=tests))
    at_once(contracts, extension)


def at_once(*steps: Callable[[], None]) -> None:
    """Run independent steps in parallel; raises the first error after all have ended."""
    with ThreadPoolExecutor(len(steps)) as pool:
        for step in [pool.submit(step) for step in steps]:
            step.result()


def contracts() -> None:
    """Compile the contracts (kept while their sources are unchanged)."""
    say("compiling the contracts")
    run("contracts", PYTHON, "-m", "contracts.compile")


def extension(*options: str) -> None:
    """Pack both extensions into dist/."""
    say("packing the extension")
    print(run("extension", PYTHON, "-m", "extension.pack", *options), end="", file=sys.stderr)


def demo(arguments: list[str]) -> NoReturn:
    """Set up, then run the demo."""
    browser = "firefox" if "firefox" in arguments else "chromium"
    parts(browser, *(["pulseaudio"] if browser == "firefox" and "--headless" in arguments else []), tests=False)
    hand_over(PYTHON, "-m", "demo", *arguments)


def test(arguments: list[str]) -> NoReturn:
    """Run checks and tests: all, with --quick most units, with --coverage the units; other arguments go to pytest."""
    mode = {("--quick",): "quick", ("--coverage",): "coverage", (): "all"}.get(tuple(arguments))
    parts(
        *(() if mode == "quick" else ("chromium", "firefox", "pulseaudio", "ffmpeg", "nginx", "postgresql")),
        tests=True,
    )
    if mode:
        hand_over(PYTHON, "-m", "tooling.suite", mode)
    hand_over(PYTHON, "-m", "pytest", *arguments)


def soak(arguments: list[str]) -> NoReturn:
    """Run property tests and the settlement game for long, or a program of ``SOAKS``."""
    if arguments and arguments[0] in SOAKS:
        parts(tests=True)
        hand_over(PYTHON, "-m", SOAKS[arguments[0]], *arguments[1:])
    parts("ffmpeg", tests=True)
    hand_over(PYTHON, "-m", "tooling.suite", "soak")


def bench(arguments: list[str]) -> NoReturn:
    """Print one JSON object per figure."""
    parts("chromium", "ffmpeg", "nginx", tests=True)
    hand_over(PYTHON, "-m", "benchmarks", *arguments)


def clean() -> None:
    """Remove what the other commands made."""
    for path in MADE:
        if path.exists():
            say(f"removing {path.name}")
            shutil.rmtree(path)


def main() -> int:
    """Parse the command line and run one command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("demo", "test", "soak", "bench", "extension", "store", "clean"))
    options, rest = parser.parse_known_args()
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        parser.error(f"GoMAA runs on Python 3.11 to 3.14; this is {sys.version.split()[0]}")
    os.chdir(ROOT)
    began = time.monotonic()
    try:
        if options.command == "demo":
            demo(rest)
        if options.command == "test":
            test(rest)
        if options.command == "bench":
            bench(rest)
        if (
            rest
            and (options.command, rest) != ("extension", ["--source"])
            and (options.command != "soak" or rest[0] not in SOAKS)
        ):
            parser.error(f"unexpected {' '.join(rest)}")
        if options.command == "soak":
            soak(rest)
        if options.command == "extension":
            system("venv", "compiler", "node", "npm")
            at_once(partial(python_packages.install, tests=False), partial(npm_packages.install, tests=False))
            extension(*rest)
        elif options.command == "store":
            parts("chromium", "fontconfig", "chinese font", tests=False)
            show(PYTHON, ROOT / "extension" / "store" / "make.py")
        else:
            clean()
    except BuildError as e:
        print(f"\n{e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    say(f"done in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
