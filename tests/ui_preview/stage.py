"""Shows the extension's own pages in Chromium with scripted messages, under the policy the extension runs under.

The files are served from the work tree; only `chrome` is a stand-in (fake_chrome.js).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page, Route, sync_playwright
from scenarios import NOW_S, Scenario

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "http://gomaa.test"
VENDORED = {"vendor/qrcode-generator.mjs": ROOT / "node_modules/qrcode-generator/dist/qrcode.mjs"}
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml", ".png": "image/png"}
# Stricter than the extension's own: no inline script or style anywhere.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; frame-src 'self'"


def serve(route: Route) -> None:
    """Answers a request for a file of the extension; anything else is 404."""
    path = route.request.url.removeprefix(ORIGIN + "/").split("?")[0].split("#")[0]
    file = VENDORED.get(path, ROOT / "extension" / path)
    if not file.is_file():
        route.fulfill(status=404, body="")
        return
    route.fulfill(status=200, body=file.read_bytes(), headers={"content-type": TYPES.get(file.suffix, "text/plain"), "content-security-policy": POLICY})


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium from the system."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def shown(browser: Browser, scenario: Scenario, language: str = "en", theme: str = "light", scale: float = 2) -> Iterator[Page]:
    """The page of a scenario, after its steps. Raises AssertionError where the page logs an error or breaks the policy."""
    locale = {"en": "en-GB", "zh": "zh-CN"}[language]
    height = 600 if scenario.page.startswith("popup") else 760
    context = browser.new_context(
        viewport={"width": scenario.width, "height": height}, device_scale_factor=scale, color_scheme=theme, locale=locale, timezone_id="Europe/London", reduced_motion="reduce"
    )
    try:
        page = context.new_page()
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.route("**/*", serve)
        page.clock.set_fixed_time(datetime.fromtimestamp(NOW_S, UTC))
        messages = json.loads((ROOT / "extension/_locales" / {"en": "en", "zh": "zh_CN"}[language] / "messages.json").read_text())
        preview = {"messages": messages, "scenario": {"player": scenario.player, "wallet": scenario.wallet}}
        page.add_init_script(f"globalThis.__preview = {json.dumps(preview)};\n" + (Path(__file__).parent / "fake_chrome.js").read_text())
        page.goto(f"{ORIGIN}/{scenario.page}{scenario.hash}", wait_until="load")
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
    """Until the messages under way are heard and drawn."""
    page.evaluate("() => new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 30))")
