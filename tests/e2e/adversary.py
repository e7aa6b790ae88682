"""A hostile web site, and real mouse clicks at given positions whatever element is there."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import dropwhile
from pathlib import Path
from typing import Any

from marionette_driver.errors import MarionetteException
from playwright.sync_api import Error as PlaywrightError

from demo.browsers import Browser, View
from demo.browsers.chromium import ChromiumView
from demo.browsers.firefox import FirefoxView

SCRIPTS = Path(__file__).parent / "scripts"
PLAYER = '<sps-player id="p" src="/song.sps" style="width:640px"></sps-player>'


class HostileSite:
    """Pages by name, served from a folder that also has the song; not a registered station."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.told: list[str] = []
        """Messages of pages to their server: the end of each path below ``/told/``."""

    def page(self, name: str, body: str, *, before: str = "", head: str = "") -> str:
        """Write a page whose script ``before`` runs before everything else in it; returns its address."""
        script = f"<script>{before}</script>" if before else ""
        (self.folder / f"{name}.html").write_text(
            f"<!doctype html><meta charset=utf-8>{head}<title>{name}</title>{script}<body>{body}"
        )
        return f"{self.url}/{name}.html"


@contextmanager
def hostile_site(folder: Path) -> Iterator[HostileSite]:
    """Serve ``folder`` on a port of its own."""
    told: list[str] = []

    class AdversaryFiles(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/told/"):
                told.append(self.path.removeprefix("/told/"))
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(AdversaryFiles, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        site = HostileSite(folder, f"http://127.0.0.1:{server.server_port}")
        site.told = told
        yield site
    finally:
        server.shutdown()
        server.server_close()


def middle(view: View, css: str) -> list[float]:
    """Return the middle of an element, in coordinates of its own document's window."""
    at = "({ left, top, width, height }) => [left + width / 2, top + height / 2]"
    return [float(value) for value in view.run(f"({at})(document.querySelector({css!r}).getBoundingClientRect())")]


def places(page: View, player: View) -> list[tuple[float, float]]:
    """Positions of the player's visible buttons in the page's window.

    Without those that open something outside of the frame.
    """
    box = "document.querySelector('sps-player').getBoundingClientRect()"
    left, top, width, height = page.run(f"(({{ left, top }}) => [left, top, innerWidth, innerHeight])({box})")
    at = "({ left, top, width, height }) => [left + width / 2, top + height / 2]"
    buttons = "[...document.querySelectorAll('button:not([disabled]):not([data-key=wallet]):not([data-key=pay-open])')]"
    found = [(left + x, top + y) for x, y in player.run(f"{buttons}.map((one) => ({at})(one.getBoundingClientRect()))")]
    return [(x, y) for x, y in found if 0 <= x < width and 0 <= y < height]


def shows_button(browser: Browser, page: View, css: str) -> bool:
    """Return whether the player's frame shows this now; the frame may be closing or opening."""
    try:
        return browser.player(page).exists(css)
    except (PlaywrightError, MarionetteException):
        return False


def click_at(page: View, *points: tuple[float, float]) -> None:
    """Press the mouse button at each position in turn, whatever element is there."""
    if isinstance(page, ChromiumView):
        page.page.bring_to_front()
        for x, y in points:
            page.page.mouse.click(x, y)
        return
    assert isinstance(page, FirefoxView)
    m = page._enter()
    from marionette_driver.marionette import ActionSequence

    sequence: Any = ActionSequence(m, "pointer", "mouse1", {"pointerType": "mouse"})
    for x, y in points:
        sequence.pointer_move(round(x), round(y)).pointer_down(0).pointer_up(0)
    sequence.perform()


GOOD, BAD = "ready", "refused"
"""The player after a press: nothing happened, or it did (this site is no station, so it is refused then)."""


def state(player: View) -> str:
    """State of the player."""
    return str(player.run("document.getElementById('player').dataset.state"))


def inside(page: View, css: str) -> View:
    """Return the document of an iframe of the page, whatever it shows."""
    if isinstance(page, ChromiumView):
        handle = page.page.wait_for_selector(css, state="attached")
        frame = handle.content_frame() if handle else None
        assert frame is not None
        return ChromiumView(page.page, frame)
    assert isinstance(page, FirefoxView)
    return _Inner(page.marionette, page.handle, css)


class _Inner(FirefoxView):
    def __init__(self, marionette: Any, handle: str, css: str) -> None:
        super().__init__(marionette, handle)
        self.css = css

    def _enter(self) -> Any:
        m = super()._enter()
        m.switch_to_frame(m.find_element("css selector", self.css))
        return m


def expression(name: str) -> str:
    """Return a script that is one expression as that expression, without leading comment and final semicolon."""
    lines = (SCRIPTS / name).read_text().splitlines()
    code = dropwhile(lambda line: line.startswith("//"), lines)
    return "\n".join(code).strip().removesuffix(";")


HOOKS = (SCRIPTS / "hooks.js").read_text()

FORGED = (SCRIPTS / "forged.js").read_text()

LOOK = (SCRIPTS / "look.js").read_text()

STACKS = (SCRIPTS / "stacks.js").read_text()
