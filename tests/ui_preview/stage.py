"""Shows the extension's own pages in Chromium with scripted messages, under the policy the extension runs under.

The files are served from the work tree; only `chrome` is a stand-in (fake_chrome.js).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import Browser, Page, sync_playwright
from samples import NOW_S
from scenarios import Scenario

PATIENCE_MS = 300_000
"""Ends what hangs."""

ROOT = Path(__file__).resolve().parents[2]
VENDORED = {"vendor/qrcode-generator.mjs": ROOT / "node_modules/qrcode-generator/dist/qrcode.mjs"}
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
# Stricter than the extension's own: no inline script or style anywhere.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; frame-src 'self'"


class Files(BaseHTTPRequestHandler):
    """The extension's files under its policy; anything else is 404."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answers with a file, which the browser may keep."""
        path = self.path.split("?")[0].lstrip("/")
        if path == "favicon.ico":
            # A browser asks for it by itself; an extension has none.
            self.send_response(204)
            self.end_headers()
            return
        file = VENDORED.get(path, ROOT / "extension" / path)
        found = file.is_file()
        body = file.read_bytes() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("content-type", TYPES.get(file.suffix, "text/plain"))
        self.send_header("content-length", str(len(body)))
        self.send_header("content-security-policy", POLICY)
        self.send_header("cache-control", "max-age=3600")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stays quiet."""


@dataclass(frozen=True)
class PreviewStage:
    """A running browser and where the files are."""

    browser: Browser
    origin: str


@contextmanager
def chromium(env: dict[str, str] | None = None) -> Iterator[PreviewStage]:
    """A headless Chromium of the system, with the extension's files on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium",
                args=["--no-sandbox"],
                env={**os.environ, **(env or {})},
                timeout=PATIENCE_MS,
            )
            try:
                yield PreviewStage(browser, f"http://127.0.0.1:{server.server_address[1]}")
            finally:
                browser.close()
    finally:
        server.shutdown()
        server.server_close()


_MISSING = """text => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 48;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const drawn = (character) => {
    context.clearRect(0, 0, 48, 48);
    context.font = '32px "Noto Sans", "Noto Sans CJK SC", sans-serif';
    context.fillText(character, 4, 36);
    return context.getImageData(0, 0, 48, 48).data.join();
  };
  // A character that no font has, in no plan of Unicode.
  const box = drawn(String.fromCodePoint(0x10fffd));
  return [...new Set(text)].filter((character) => character.trim() && drawn(character) === box).join("");
}"""


class NoFont(Exception):
    """This machine cannot draw a language."""


def require_font(stage: PreviewStage, language: str) -> None:
    """Raises NoFont, with what helps, where the characters of a language's texts would be drawn as boxes."""
    folder = {"en": "en", "zh": "zh_CN"}[language]
    messages = json.loads((ROOT / "extension/_locales" / folder / "messages.json").read_text(encoding="utf-8"))
    page = stage.browser.new_page()
    try:
        missing = page.evaluate(_MISSING, "".join(str(one["message"]) for one in messages.values()))
    finally:
        page.close()
    if missing:
        raise NoFont(
            f"no font of this machine has {len(missing)} characters of the texts in {folder} ({missing[:10]}): "
            "the pictures would show boxes.\nInstall one with: sudo apt-get install fonts-noto-cjk"
        )


@contextmanager
def shown(
    stage: PreviewStage, scenario: Scenario, language: str = "en", theme: str = "light", scale: float = 2
) -> Iterator[Page]:
    """The page of a scenario, after its steps.

    Raises AssertionError where the page logs an error or breaks the policy.
    """
    locale = {"en": "en-GB", "zh": "zh-CN"}[language]
    height = 600 if scenario.page.startswith("popup") else 760
    context = stage.browser.new_context(
        viewport={"width": scenario.width, "height": height},
        device_scale_factor=scale,
        color_scheme=theme,
        locale=locale,
        timezone_id="Europe/London",
        reduced_motion="reduce",
    )
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.clock.set_fixed_time(datetime.fromtimestamp(NOW_S, UTC))
        messages = json.loads(
            (ROOT / "extension/_locales" / {"en": "en", "zh": "zh_CN"}[language] / "messages.json").read_text()
        )
        preview = {"messages": messages, "scenario": {"player": scenario.player, "wallet": scenario.wallet}}
        page.add_init_script(
            f"globalThis.__preview = {json.dumps(preview)};\n" + (Path(__file__).parent / "fake_chrome.js").read_text()
        )
        page.goto(f"{stage.origin}/{scenario.page}{scenario.hash}", wait_until="load")
        settle(page)
        for step in scenario.steps:
            act(page, step)
            settle(page)
        yield page
        assert not errors, errors
    finally:
        context.close()


def act(page: Page, step: tuple[str, ...]) -> None:
    """One thing a person does."""
    kind, selector, *rest = step
    if kind == "click":
        page.locator(selector).first.click()
    elif kind == "check":
        page.locator(selector).check()
    elif kind == "words":
        # Three of the twelve are asked for, at random.
        if page.locator(selector).count():
            page.locator(selector).fill(rest[0])
    else:
        page.locator(selector).fill(rest[0])


def settle(page: Page) -> None:
    """Wait until pending messages are handled and drawn."""
    page.evaluate(
        "() => new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 30))"
    )
