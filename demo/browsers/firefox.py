"""Firefox through Marionette, with the packed extension installed as a temporary add-on."""

from __future__ import annotations

import base64
import json
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from marionette_driver import errors
from marionette_driver.addons import Addons
from marionette_driver.by import By
from marionette_driver.keys import Keys
from marionette_driver.marionette import Marionette

from demo.browsers.speaker import null_speaker
from demo.browsers.view import Browser, View
from demo.paths import DIST, EXTENSION_IDS, program
from demo.waiting import TIMEOUT_S

UUID = "5d1f6f0e-5b1c-4b7a-9a51-67a1c0f3c0de"
KEYS = {
    "ArrowLeft": Keys.ARROW_LEFT,
    "ArrowRight": Keys.ARROW_RIGHT,
    "ArrowUp": Keys.ARROW_UP,
    "ArrowDown": Keys.ARROW_DOWN,
    " ": " ",
    "Control+v": Keys.CONTROL + "v",
}
PREFS = {
    "extensions.webextensions.uuids": None,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "privacy.reduceTimerPrecision": False,
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
}


class FirefoxView(View):
    """A tab, or the player's frame in it."""

    def __init__(self, marionette: Marionette, handle: str, *, framed: bool = False) -> None:
        self.marionette = marionette
        self.handle = handle
        self.framed = framed

    def _enter(self) -> Marionette:
        m = self.marionette
        try:
            here = m.current_window_handle
        except errors.NoSuchWindowException:
            # The window that was looked at last has closed itself.
            here = None
        if here != self.handle:
            m.switch_to_window(self.handle)
        m.switch_to_frame()
        if self.framed:
            while not (hosts := m.find_elements(By.CSS_SELECTOR, "sps-player")):
                # It may be in a frame of the page.
                m.switch_to_frame(m.find_element(By.CSS_SELECTOR, "iframe"))
            host = hosts[0]
            # The driver scrolls inside a frame but not the page around it.
            m.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", script_args=[host])
            holder = host.shadow_root.find_element(By.CSS_SELECTOR, "div[exportparts]")
            m.switch_to_frame(holder.shadow_root.find_element(By.CSS_SELECTOR, "iframe"))
        return m

    def _retry(self, what: str, act: Callable[[], Any], timeout_s: float = TIMEOUT_S) -> Any:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                if (value := act()) is not None:
                    return value
                last: Exception | str = "not yet"
            except (errors.MarionetteException, errors.NoSuchElementException) as e:
                last = e
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: {str(last).splitlines()[0]}: {self._body()[:600]}")
            time.sleep(0.05)

    def _body(self) -> str:
        try:
            return self.text("body")
        except errors.MarionetteException as e:
            return str(e)

    def _visible(self, css: str) -> Any:
        m = self._enter()
        return next((e for e in m.find_elements(By.CSS_SELECTOR, css) if e.is_displayed()), None)

    def click_once(self, css: str) -> None:
        """Wait for the element, then click it."""

        def act() -> bool | None:
            element = self._visible(css)
            if element is None or not element.is_enabled():
                return None
            element.click()
            return True

        self._retry(f"click {css}", act)

    def fill(self, css: str, text: str) -> None:
        """Replace the text of a field."""

        def act() -> bool | None:
            element = self._visible(css)
            if element is None:
                return None
            element.clear()
            element.send_keys(text)
            return True

        self._retry(f"fill {css}", act)

    def press(self, css: str, key: str) -> None:
        """Press a key (a DOM key name such as ``ArrowRight``) on the element."""

        def act() -> bool | None:
            element = self._visible(css)
            if element is None:
                return None
            element.send_keys(KEYS.get(key, key))
            return True

        self._retry(f"press {key} on {css}", act)

    def wait(self, css: str, timeout_s: float = TIMEOUT_S) -> None:
        """Wait for a visible element that matches. Raises TimeoutError."""
        self._retry(css, lambda: True if self._visible(css) else None, timeout_s)

    def until(self, script: str, timeout_s: float = TIMEOUT_S) -> Any:
        """Wait until a JavaScript expression is truthy in this document; return its value."""
        return self._retry(script, lambda: self.run(script) or None, timeout_s)

    def run(self, script: str) -> Any:
        # Pages forbid eval: the script runs in the driver's sandbox, with the page's own view of its elements.
        """The JSON value of a JavaScript expression in this document."""
        body = f"const document = window.wrappedJSObject.document; return JSON.stringify({script}) ?? 'null'"
        return json.loads(self._enter().execute_script(body))

    def run_async(self, function: str, argument: str) -> Any:
        """The JSON value that an asynchronous JavaScript function resolves with in this document."""
        body = f"""const [argument, done] = arguments;
            ({function})(argument).then((value) => done({{ value }}), (error) => done({{ error: String(error) }}))"""
        result = self._enter().execute_async_script(body, script_args=[argument])
        if "error" in result:
            raise RuntimeError(result["error"])
        return result["value"]

    def screenshot(self, path: Path) -> None:
        """A picture of the whole tab."""
        path.parent.mkdir(parents=True, exist_ok=True)
        m = self.marionette
        m.switch_to_window(self.handle)
        m.switch_to_frame()
        path.write_bytes(base64.b64decode(m.screenshot(full=False)))

    def close(self) -> None:
        """Close the tab."""
        m = self.marionette
        m.switch_to_window(self.handle)
        m.close()
        m.switch_to_window(m.window_handles[0])


class Firefox(Browser):
    """One Firefox process with a profile of its own."""

    name = "firefox"

    def __init__(self, marionette: Marionette) -> None:
        self.marionette = marionette
        self.version = str(marionette.session_capabilities["browserVersion"])

    def tab(self, url: str) -> FirefoxView:
        """A new tab at a web address."""
        m = self.marionette
        handle = m.open(type="tab", focus=True)["handle"]
        m.switch_to_window(handle)
        m.navigate(url)
        return FirefoxView(m, handle)

    def extension_tab(self, path: str) -> FirefoxView:
        """A new tab at a page of the extension, such as ``popup/popup.html``."""
        return self.tab(f"moz-extension://{UUID}/{path}")

    def window(self, path: str, timeout_s: float = TIMEOUT_S) -> FirefoxView:
        """A window that the extension opened by itself, such as ``approve/approve.html``."""
        m = self.marionette
        deadline = time.monotonic() + timeout_s
        while True:
            for handle in m.window_handles:
                try:
                    m.switch_to_window(handle)
                    if m.get_url() == f"moz-extension://{UUID}/{path}":
                        return FirefoxView(m, handle)
                except errors.MarionetteException:
                    # A window on its way open or closed.
                    continue
            if time.monotonic() > deadline:
                raise TimeoutError(f"no window {path}")
            time.sleep(0.05)

    def player(self, page: View, timeout_s: float = TIMEOUT_S) -> FirefoxView:
        """The player's frame in a page that shows an ``<sps-player>``."""
        assert isinstance(page, FirefoxView)
        view = FirefoxView(self.marionette, page.handle, framed=True)
        view.wait("body", timeout_s)
        return view

    def resize(self, width: int, height: int) -> None:
        """The size of the view in CSS pixels."""
        self.marionette.set_window_rect(width=width, height=height + 85)

    def colours(self, scheme: str) -> None:
        """Prefer ``light`` or ``dark``."""
        with self.marionette.using_context("chrome"):
            self.marionette.execute_script(
                "Services.prefs.setIntPref('layout.css.prefers-color-scheme.content-override', arguments[0])",
                script_args=[0 if scheme == "dark" else 1],
            )

    def alive(self) -> bool:
        """Return whether the browser still runs."""
        return bool(self.marionette.instance.runner.is_running())


@contextmanager
def firefox(home: Path, *, headless: bool = True, extension: Path = DIST / "gomaa-firefox.xpi") -> Iterator[Firefox]:
    """Start Firefox; the host manifest is looked for in ``home``/.mozilla/native-messaging-hosts.

    Args:
        home: the profile's folder, and the browser's home.
        headless: without a window.
        extension: the extension's package, or its folder.
    """
    logging.getLogger("marionette_driver").setLevel(logging.ERROR)
    with ExitStack() as stack:
        # Firefox stops a media element where there is no audio device at all; a window has the person's own.
        sound = stack.enter_context(null_speaker(home / "sound")) if headless else {}
        marionette = _start(home, {"HOME": str(home), "GOMAA_HOME": str(home / "gomaa"), **sound}, headless)
        stack.callback(lambda: marionette.quit() if marionette.session_id else None)
        marionette.timeout.script = TIMEOUT_S
        Addons(marionette).install(str(extension), temp=True)
        yield Firefox(marionette)


def _start(home: Path, env: dict[str, str], headless: bool) -> Marionette:
    extension_id = json.loads(EXTENSION_IDS.read_text())["firefox"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # The driver takes the browser's environment from its own process.
    kept = {name: os.environ.get(name) for name in env}
    os.environ.update(env)
    try:
        marionette = Marionette(
            port=port,
            bin=program("firefox"),
            headless=headless,
            prefs={**PREFS, "extensions.webextensions.uuids": json.dumps({extension_id: UUID})},
            startup_timeout=int(TIMEOUT_S),
            # Longer than any wait inside the browser, whose own error says more.
            socket_timeout=2 * TIMEOUT_S,
            gecko_log=str(home / "gecko.log"),
        )
        marionette.start_session()
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    return marionette
