#!/usr/bin/env python3
"""Build, try, test and measure GoMAA. Standard library only; every command sets up what it needs.

python3 build.py demo        a radio page, a band's song, a fan's wallet, all on this machine
python3 build.py test        every test, end to end in both browsers included
python3 build.py bench       the figures, each beside its peer
python3 build.py extension   dist/gomaa-chromium.zip and dist/gomaa-firefox.xpi; --source: also dist/gomaa-source.zip
python3 build.py store       dist/store: texts and pictures for the stores, in every language
python3 build.py clean       remove what the commands above made
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
CACHE = ROOT / ".cache"
PYTHON = VENV / "bin" / "python"
APART = ("tests/unit", "tests/contracts", "tests/vectors", "tests/fuzz")
"""Tests that share nothing: as many at once as there are cores. The others start chains, servers and browsers."""

ALONE = ("tests/e2e/test_crashes.py", "tests/e2e/test_gapless.py", "tests/e2e/test_long_session.py")
"""Tests that another test beside them would change: kills at their moments, the sound's continuity, a browser's memory."""

LONGEST_S = 600
"""No test takes longer; one that does hangs, and is ended with the stacks of its threads."""

MADE = (VENV, CACHE, ROOT / "node_modules", ROOT / "dist", ROOT / "build")

# Program, Debian package, what it is for. Any one name of a program is enough.
SYSTEM = {
    "node": (("node",), "nodejs", "the npm parts"),
    "npm": (("npm",), "npm", "the npm parts"),
    "chromium": (("chromium", "chromium-browser", "google-chrome"), "chromium", "the Chromium tests and demo"),
    "firefox": (("firefox-esr", "firefox"), "firefox-esr", "the Firefox tests and demo"),
    "pulseaudio": (("pulseaudio",), "pulseaudio", "Firefox without an audio device"),
    "ffmpeg": (("ffmpeg",), "ffmpeg", "comparisons with other encoders"),
    "nginx": (("nginx",), "nginx-light", "comparisons with other players"),
}


class BuildError(Exception):
    """A step that cannot go on; the text says what helps."""


def say(text: str) -> None:
    """Progress goes to stderr: stdout belongs to the command's result."""
    print(f"\033[1m▸\033[0m {text}" if sys.stderr.isatty() else f"> {text}", file=sys.stderr, flush=True)


def run(*command: str | Path, quiet: bool = False, env: dict[str, str] | None = None) -> None:
    """Run a step; its output goes to stderr, or into the error when quiet."""
    line = [str(part) for part in command]
    done = subprocess.run(
        line,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE if quiet else sys.stderr,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = (done.stdout or "").splitlines()
        tail = "\n".join(lines if len(lines) <= 40 else [*lines[:15], "…", *lines[-25:]])
        raise BuildError(f"this step failed ({done.returncode}): {' '.join(line)}\n{tail}".rstrip())


def fresh(name: str, *inputs: Path) -> bool:
    """Whether step ``name`` already ran with exactly these inputs; see ``stamp``."""
    mark = CACHE / f"{name}.stamp"
    return mark.exists() and mark.read_text() == _digest(*inputs)


def stamp(name: str, *inputs: Path) -> None:
    """Remember that step ``name`` ran with these inputs."""
    CACHE.mkdir(exist_ok=True)
    (CACHE / f"{name}.stamp").write_text(_digest(*inputs))


def _digest(*inputs: Path) -> str:
    total = hashlib.sha256(sys.version.encode())
    for path in inputs:
        total.update(path.read_bytes())
    return total.hexdigest()


def system(*names: str) -> None:
    """Check the system parts; install the missing ones where that is possible without asking."""
    missing = [name for name in names if not any(map(shutil.which, SYSTEM[name][0]))]
    if not missing:
        return
    packages = [SYSTEM[name][1] for name in missing]
    if shutil.which("apt-get") and os.geteuid() == 0:
        say(f"installing {', '.join(packages)} with apt")
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "update", "-qq", quiet=True, env=quiet)
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages, quiet=True, env=quiet)
        return
    needs = "; ".join(f"{name} for {SYSTEM[name][2]}" for name in missing)
    raise BuildError(f"missing: {needs}.\nInstall with: sudo apt-get install {' '.join(packages)}")


def hand_over(*command: str | Path) -> NoReturn:
    """Become another program: it gets our signals and cleans up after itself."""
    line = [str(part) for part in command]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(line[0], line)


def python_parts() -> None:
    """The virtual environment with the locked packages and this distribution in place."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        raise BuildError("GoMAA runs on Python 3.11 to 3.14")
    lock, project = ROOT / "requirements.lock", ROOT / "pyproject.toml"
    if PYTHON.exists() and fresh("python", lock, project):
        return
    if not PYTHON.exists():
        say("making a virtual environment")
        try:
            run(sys.executable, "-m", "venv", VENV, quiet=True)
        except BuildError as e:
            raise BuildError(f"{e}\nOn Debian: sudo apt-get install python3-venv") from None
    say("installing the Python packages (a few minutes the first time)")
    pip = (PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "-r", lock, quiet=True)
    run(*pip, "--no-deps", "-e", ROOT, quiet=True)
    stamp("python", lock, project)


def npm_parts() -> None:
    """The locked npm packages."""
    system("node", "npm")
    lock = ROOT / "package-lock.json"
    if (ROOT / "node_modules").exists() and fresh("npm", lock):
        return
    say("installing the npm packages")
    # Not "npm ci": it insists that the lock lists anvil for every system, and not every registry has them all.
    # Versions and hashes are the lock's either way, and --no-save leaves it as it is.
    run("npm", "install", "--no-save", "--loglevel=error", quiet=True)
    stamp("npm", lock)


def contracts() -> None:
    """The contracts, compiled (kept while their sources are unchanged)."""
    run(PYTHON, "-m", "contracts.compile")


def extension(*options: str) -> None:
    """Both packed extensions in dist/."""
    say("packing the extension")
    run(PYTHON, "-m", "extension.pack", *options)


def demo(arguments: list[str]) -> NoReturn:
    """Set everything up, then hand over to the demo."""
    browser = "firefox" if "firefox" in arguments else "chromium"
    python_parts()
    npm_parts()
    system(browser, *(["pulseaudio"] if browser == "firefox" and "--headless" in arguments else []))
    contracts()
    extension()
    hand_over(PYTHON, "-m", "demo", *arguments)


def test(arguments: list[str]) -> NoReturn:
    """Checks, then every test. Arguments go to pytest."""
    python_parts()
    npm_parts()
    system("chromium", "firefox", "pulseaudio", "ffmpeg", "nginx")
    contracts()
    extension()
    if not arguments:
        for title, command in (
            ("ruff", (PYTHON, "-m", "ruff", "check", ".")),
            ("ruff format", (PYTHON, "-m", "ruff", "format", "--check", "--quiet", ".")),
            ("mypy", (PYTHON, "-m", "mypy")),
            ("tsc", ("npm", "run", "--silent", "check")),
            ("eslint", ("npm", "run", "--silent", "lint")),
            ("web-ext lint", ("npm", "run", "--silent", "lint:extension")),
            ("node tests", ("npm", "run", "--silent", "test")),
        ):
            say(title)
            run(*command)
        say("pytest: what needs no clock and no browser, on every core")
        cores = str(os.cpu_count() or 1)
        apart = pytest("-q", "-n", cores, "--dist", "loadfile", *APART)
        say("pytest: real chains, hosts, servers and browsers, two at a time: they wait more than they work")
        beside = ("-v", "-n", "2", "--dist", "loadfile", "--durations=20", f"--timeout={LONGEST_S}")
        rest = pytest(*beside, "tests", *(f"--ignore={part}" for part in (*APART, *ALONE)))
        say("pytest: what kills, listens for gaps and watches the memory, alone")
        alone = pytest("-v", f"--timeout={LONGEST_S}", *ALONE)
        sys.exit(apart or rest or alone)
    hand_over(PYTHON, "-m", "pytest", *arguments)


def pytest(*arguments: str) -> int:
    """Run tests; what fails is run once more by itself, and that is said.

    A busy machine fails a test with a clock in it once, a mistake fails it twice.
    """
    code = subprocess.call([PYTHON, "-m", "pytest", *arguments], cwd=ROOT)
    if code != 1:
        return code
    say("pytest: once more, what failed")
    alone = [part for part in arguments if part not in ("-n", "--dist", "loadfile") and not part.isdecimal()]
    return subprocess.call([PYTHON, "-m", "pytest", *alone, "--last-failed"], cwd=ROOT)


def bench(arguments: list[str]) -> NoReturn:
    """Print one JSON object per figure."""
    python_parts()
    npm_parts()
    system("chromium", "ffmpeg", "nginx")
    contracts()
    extension()
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
    parser.add_argument("command", choices=("demo", "test", "bench", "extension", "store", "clean"))
    options, rest = parser.parse_known_args()
    os.chdir(ROOT)
    began = time.monotonic()
    try:
        if options.command == "demo":
            demo(rest)
        if options.command == "test":
            test(rest)
        if options.command == "bench":
            bench(rest)
        if rest and (options.command, rest) != ("extension", ["--source"]):
            parser.error(f"unexpected {' '.join(rest)}")
        if options.command == "extension":
            python_parts()
            npm_parts()
            extension(*rest)
        elif options.command == "store":
            python_parts()
            npm_parts()
            system("chromium")
            run(PYTHON, ROOT / "extension" / "store" / "make.py")
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
