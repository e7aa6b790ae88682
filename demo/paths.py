"""Paths in a checkout, and programs of the system."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
EXTENSION_IDS = ROOT / "native_host" / "install" / "ids.json"
PROGRAMS = {
    "chromium": ("chromium", "chromium-browser"),
    "firefox": ("firefox-esr", "firefox"),
    "nginx": ("nginx", "/usr/sbin/nginx"),
}


def program(name: str) -> str:
    """The path of a system program; SystemExit in words when it is missing."""
    for candidate in PROGRAMS.get(name, (name,)):
        if found := shutil.which(candidate):
            return found
    raise SystemExit(f"{name} is not installed")
