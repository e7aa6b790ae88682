"""Chromium through Playwright, with the unpacked extension."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Frame, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from demo.browsers.view import Browser, View
from demo.paths import DIST, EXTENSION_IDS, program
from demo.waiting import TIMEOUT_S

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

COUNT_PRESSES = """() => {
  if (globalThis.gomaaPresses === undefined) addEventListener("pointerdown", () => globalThis.gomaaPresses++, true);
  globalThis.gomaaPresses = 0;
}"""
# Playwright returns once the browser has had every event of the press handled.
PRESSED = "() => globalThis.gomaaPresses > 0"


class ChromiumView(View):
    """A page or a frame of it."""

    def __init__(self, page: Page, frame: Frame) -> None:
        self.page = page
        self.frame = frame

    def click_once(self, css: str) -> None:
        """Click the element; a press that the browser led past the frame is made again.

        Where a frame was just moved or resized, the browser routes presses by the picture that is still on the screen,
        to the page around the frame. A person aims at what is on the screen, Playwright at the layout. A press that did
        reach the frame is never repeated.
        """
        self.page.bring_to_front()
        if self.frame == self.page.main_frame:
            self.frame.click(css, timeout=TIMEOUT_S * 1000)
            return
        self.frame.evaluate(COUNT_PRESSES)
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            self.frame.click(css, timeout=TIMEOUT_S * 1000)
            if self.frame.is_detached() or self.frame.evaluate(PRESSED):
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"no press on {css} reaches {self.frame.url}")

    def fill(self, css: str, text: str) -> None:
        """Replace the text of a field."""
        self.frame.fill(css, text, timeout=TIMEOUT_S * 1000)

    def press(self, css: str, key: str) -> None:
        """Press a key (a DOM key name such as ``ArrowRight``) on the element."""
        self.frame.press(css, key, timeout=TIMEOUT_S * 1000)

    def wait(self, css: str, timeout_s: float = TIMEOUT_S) -> None:
        """Wait for a visible element that matches. Raises TimeoutError."""
        try:
            self.frame.wait_for_selector(css, timeout=timeout_s * 1000)
        except PlaywrightTimeout:
            raise TimeoutError(f"{css} in {self.frame.url}: {self.text('body')[:600]}") from None

    def until(self, script: str, timeout_s: float = TIMEOUT_S) -> Any:
        """Wait until a JavaScript expression is truthy in this document; return its value."""
        try:
            return self.frame.wait_for_function(f"() => ({script})", timeout=timeout_s * 1000, polling=50).json_value()
        except PlaywrightTimeout:
            raise TimeoutError(f"{script} in {self.frame.url}: {self.text('body')[:600]}") from None

    def run(self, script: str) -> Any:
        """The JSON value of a JavaScript expression in this document."""
        return self.frame.evaluate(f"() => ({script})")

    def run_async(self, function: str, argument: str) -> Any:
        """The JSON value that an asynchronous JavaScript function resolves with in this document."""
        return self.frame.evaluate(function, argument)

    def screenshot(self, path: Path) -> None:
        """A picture of the whole tab."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.bring_to_front()
        self.page.screenshot(path=path)

    def close(self) -> None:
        """Close the tab."""
        self.page.close()


class Chromium(Browser):
    """One Chromium process with a profile of its own."""

    name = "chromium"

    def __init__(self, context: BrowserContext, extension_id: str) -> None:
        self.context = context
        self.extension_id = extension_id
        self.version = context.browser.version if context.browser else ""

    def tab(self, url: str) -> ChromiumView:
        """A new tab at a web address."""
        page = self.context.new_page()
        page.goto(url)
        return ChromiumView(page, page.main_frame)

    def extension_tab(self, path: str) -> ChromiumView:
        """A new tab at a page of the extension, such as ``popup/popup.html``."""
        return self.tab(f"chrome-extension://{self.extension_id}/{path}")

    def window(self, path: str, timeout_s: float = TIMEOUT_S) -> ChromiumView:
        """A window that the extension opened by itself, such as ``approve/approve.html``."""
        url = f"chrome-extension://{self.extension_id}/{path}"

        def found() -> Page | None:
            return next((page for page in self.context.pages if page.url == url), None)

        deadline = time.monotonic() + timeout_s
        while (page := found()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no window {path}: {[p.url for p in self.context.pages]}")
            # Waiting through the driver keeps its list of pages going.
            self.context.pages[0].wait_for_timeout(50)
        return ChromiumView(page, page.main_frame)

    def player(self, page: View, timeout_s: float = TIMEOUT_S) -> ChromiumView:
        """The player's frame in a page that shows an ``<sps-player>``."""
        assert isinstance(page, ChromiumView)
        prefix = f"chrome-extension://{self.extension_id}/player/"
        dynamic = "chrome-extension://"

        def found() -> Frame | None:
            return next(
                (f for f in page.page.frames if f.url.startswith((prefix, dynamic)) and "/player/" in f.url), None
            )

        frame = found()
        if frame is None:
            try:
                page.page.wait_for_event(
                    "framenavigated", predicate=lambda _: found() is not None, timeout=timeout_s * 1000
                )
            except PlaywrightTimeout:
                raise TimeoutError(f"no player frame in {page.page.url}: {[f.url for f in page.page.frames]}") from None
            frame = found()
        assert frame is not None
        return ChromiumView(page.page, frame)

    def resize(self, width: int, height: int) -> None:
        """The size of the view in CSS pixels."""
        for page in self.context.pages:
            page.set_viewport_size({"width": width, "height": height})

    def colours(self, scheme: str) -> None:
        """Prefer ``light`` or ``dark``."""
        for page in self.context.pages:
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")

    def alive(self) -> bool:
        """Return whether the browser still runs."""
        try:
            return bool(self.context.pages)
        except PlaywrightError:
            return False


@contextmanager
def chromium(
    home: Path,
    *,
    headless: bool = True,
    arguments: Sequence[str] = (),
    page_cache: bool = False,
    extension: Path = DIST / "chromium",
) -> Iterator[Chromium]:
    """Start Chromium; the host manifest is looked for in ``home``/chromium/NativeMessagingHosts.

    Args:
        home: the profile's folder, and the browser's home.
        headless: without a window.
        arguments: further switches.
        page_cache: with the back/forward cache, which playwright switches off.
        extension: the unpacked extension's folder.
    """
    extension_id = json.loads(EXTENSION_IDS.read_text())["chromium"]
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            home / "chromium",
            executable_path=program("chromium"),
            headless=False,
            env={**os.environ, "HOME": str(home), "GOMAA_HOME": str(home / "gomaa")},
            ignore_default_args=[
                "--disable-extensions",
                "--mute-audio",
                *(["--disable-back-forward-cache"] if page_cache else []),
            ],
            args=[
                *(["--headless=new"] if headless else []),
                f"--disable-extensions-except={extension}",
                f"--load-extension={extension}",
                *ARGUMENTS,
                *arguments,
            ],
            timeout=TIMEOUT_S * 1000,
            viewport={"width": 1280, "height": 900} if headless else None,
            no_viewport=None if headless else True,
        )
        context.set_default_timeout(TIMEOUT_S * 1000)
        try:
            yield Chromium(context, extension_id)
        finally:
            context.close()
