"""Clicks in Firefox: marks read from each document, as far as one can be reached.

Firefox has no trace of all processes with User Timing marks that a driver can read. Each document's own list is read
instead, with its ``timeOrigin``: a wall clock that each process reads once, so hops between processes are off by as
much as their clocks are. Marks of workers cannot be reached, nor what a thread renders.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.tracing.bench_page import END, SCRIPT
from benchmarks.tracing.copies import record_frames, traced_extension
from benchmarks.tracing.reader import PREFIX, Click, Mark, cut, read_stamps
from demo.browsers import View
from demo.browsers.firefox import Firefox, firefox
from demo.fan import install_host

WALL: Final = 1
"""Column of the host's stamps."""
_LIST: Final = """((performance) => performance.getEntriesByType('mark').filter(({ name }) => name.startsWith(PREFIX))
  .map(({ name, startTime }) => [(performance.timeOrigin + startTime) * 1000, name]))""".replace(
    "PREFIX", json.dumps(f"{PREFIX}|")
)
_HERE: Final = f"{_LIST}(document.defaultView.performance)"
_ELEMENT: Final = f"Object.assign(document.createElement('script'), {{ text: {json.dumps(SCRIPT)} }})"
_START: Final = f"""const [name, value, resolve] = arguments;
const {{ clicks }} = window.wrappedJSObject;
window.document.addEventListener({json.dumps(END)}, () => resolve(clicks.outcome), {{ once: true }});
clicks.start(name, value);"""
_BACKGROUND: Final = "document.defaultView.browser.extension.getBackgroundPage().performance"


def read_documents(entries: list[list[Any]]) -> list[Mark]:
    """Marks from rows of microseconds and name."""
    return [Mark(float(at), *str(name).split("|", 2)[1:]) for at, name in entries]


class FirefoxClicks:
    """A Firefox with the traced extension and a recording host."""

    def __init__(self, browser: Firefox, base: str, stamps: Path) -> None:
        self.browser = browser
        self._base = base
        self._stamps = stamps
        # Any document of the extension reaches the background page; without a key the player's has no port.
        self._inside = browser.extension_tab("player/player.html")

    def round(self, song: str, target_s: float) -> dict[str, Click]:
        """One click of each kind; the seek is to ``target_s``, seconds."""
        found: dict[str, Click] = {}
        for kinds in (("first_audio",), ("prepare", "prepared_play", "steady", "seek")):
            page = self.browser.tab(f"{self._base}/bench.html")
            page.run(f"void document.body.append('bench', {_ELEMENT})")
            # A page's script may start sound after a press in the page.
            page.click("body")
            for kind in kinds:
                self._inside.run(f"void {_BACKGROUND}.clearMarks()")
                self._call(page, kind, target_s if kind == "seek" else song)
                if kind not in ("prepare", "steady"):
                    found[kind] = self._click(page)
            self._call(page, "end", None)
            page.close()
        return found

    def _call(self, page: View, name: str, value: object) -> None:
        # Enters the page.
        page.run("true")
        outcome = self.browser.marionette.execute_async_script(_START, script_args=[name, value])
        if outcome != "done":
            raise RuntimeError(f"{name}: {outcome}")

    def _click(self, page: View) -> Click:
        marks = read_documents(page.run(_HERE))
        marks += read_documents(self.browser.player(page).run(_HERE))
        marks += read_documents(self._inside.run(f"{_LIST}({_BACKGROUND})"))
        return cut([*marks, *read_stamps(self._stamps.read_text().splitlines(), WALL)])


@contextmanager
def firefox_clicks(folder: Path, deployment: Path, base: str) -> Iterator[FirefoxClicks]:
    """Start Firefox beside a running scene.

    Args:
        folder: An empty folder for the profile and the copy of the extension.
        deployment: The scene's deployment file.
        base: The scene's address.
    """
    home, stamps = folder / "home", folder / "frames"
    home.mkdir()
    stamps.touch()
    install_host(home, deployment, "firefox")
    record_frames(home, stamps)
    with firefox(home, extension=traced_extension("firefox", folder)) as browser:
        yield FirefoxClicks(browser, base, stamps)
