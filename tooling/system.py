"""Programs that come from the operating system: found, or installed with apt as root on Debian."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tooling.steps import BuildError, run, say


@dataclass(frozen=True)
class Part:
    """One system part.

    Attributes:
        packages: Debian packages that install it, separated by blanks.
        purpose: What it is needed for; part of the message when it is missing.
        present: Returns whether the machine has it.
    """

    packages: str
    purpose: str
    present: Callable[[], bool]


def _program(*names: str) -> Callable[[], bool]:
    return lambda: any(map(shutil.which, names))


def _font(language: str) -> Callable[[], bool]:
    """Return a check for a font with the characters of a language."""

    def present() -> bool:
        if not shutil.which("fc-list"):
            return False
        return bool(subprocess.run(["fc-list", f":lang={language}"], capture_output=True, check=False).stdout.strip())

    return present


def _venv() -> bool:
    return importlib.util.find_spec("ensurepip") is not None and importlib.util.find_spec("venv") is not None


def _compiler() -> bool:
    # Every locked package has a wheel, or is pure Python, up to 3.13; immutables has none for 3.14.
    headers = Path(sysconfig.get_path("include"), "Python.h").exists()
    return sys.version_info < (3, 14) or (shutil.which("cc") is not None and headers)


def _postgresql() -> bool:
    # Debian keeps its programs out of the path: one folder for each version.
    return shutil.which("initdb") is not None or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


PARTS: Final = {
    "compiler": Part("gcc python3-dev", "a package without a wheel for this Python", _compiler),
    "venv": Part("python3-venv", "a virtual environment", _venv),
    "node": Part("nodejs", "the npm parts", _program("node")),
    "npm": Part("npm", "the npm parts", _program("npm")),
    "chromium": Part("chromium", "Chromium", _program("chromium", "chromium-browser", "google-chrome")),
    "firefox": Part("firefox-esr", "Firefox", _program("firefox-esr", "firefox")),
    "pulseaudio": Part("pulseaudio", "Firefox without an audio device", _program("pulseaudio")),
    "ffmpeg": Part("ffmpeg", "comparisons with other encoders", _program("ffmpeg")),
    "nginx": Part("nginx-light", "comparisons with other players", _program("nginx")),
    "postgresql": Part("postgresql", "a server's database on PostgreSQL", _postgresql),
    "fontconfig": Part("fontconfig", "the store's pictures", _program("fc-list")),
    "chinese font": Part("fonts-noto-cjk", "the store's pictures in Chinese", _font("zh")),
}


def system(*names: str) -> None:
    """Have these parts on the machine.

    Raises:
        BuildError: parts are missing, with the command that installs them.
    """
    missing = [name for name in names if not PARTS[name].present()]
    if not missing:
        return
    packages = [package for name in missing for package in PARTS[name].packages.split()]
    if shutil.which("apt-get") and os.geteuid() == 0:
        say(f"installing {', '.join(packages)} with apt")
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-update", "apt-get", "update", "-qq", env=quiet)
        run("apt-install", "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages, env=quiet)
        importlib.invalidate_caches()
        return
    needs = "; ".join(f"{name} for {PARTS[name].purpose}" for name in missing)
    raise BuildError(f"missing: {needs}.\nInstall with: sudo apt-get install {' '.join(packages)}")
