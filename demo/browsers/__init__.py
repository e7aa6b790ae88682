"""Real browsers with the packed extension, driven alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from demo.browsers.view import Browser, View

__all__ = ["Browser", "View", "launch"]


@contextmanager
def launch(name: str, home: Path, *, headless: bool = True) -> Iterator[Browser]:
    """Start ``chromium`` or ``firefox`` with a new profile, the extension and the environment of ``home``."""
    started: AbstractContextManager[Browser]
    if name == "chromium":
        from demo.browsers.chromium import chromium

        started = chromium(home, headless=headless)
    elif name == "firefox":
        from demo.browsers.firefox import firefox

        started = firefox(home, headless=headless)
    else:
        raise ValueError(f"unknown browser {name!r}")
    with started as browser:
        yield browser
