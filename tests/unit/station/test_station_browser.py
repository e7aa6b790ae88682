"""The radio page in a real browser.

Axe-clean in both themes and narrow, songs swap in place, and it works without script.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

ROOT = Path(__file__).parents[3]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or "chromium"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium, headless."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


async def _open(browser: Browser, world: Any, path: str = "/", **options: Any) -> tuple[Page, list[str]]:
    """A page of the station and what its console complained of."""
    page = await (await browser.new_context(**options)).new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(str(world.client.make_url(path)))
    return page, complaints


@pytest.mark.parametrize("path", ["/", "/embed", "/install", "/works"])
async def test_pages_are_accessible(world: Any, browser: Browser, path: str) -> None:
    """Axe finds nothing, nothing is wider than the window, and the content policy blocks nothing, in light, dark and at
    390 px.
    """
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)):
        page, complaints = await _open(
            browser, world, path, color_scheme=scheme, viewport={"width": width, "height": 844}
        )
        await page.evaluate(AXE.read_text(encoding="utf-8"))
        found = await page.evaluate(
            "axe.run().then(r => r.violations.map(v => v.id + ' ' + v.nodes.map(n => n.target).join(' ')))"
        )
        assert found == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert complaints == []
        await page.context.close()


async def test_choosing_a_song_swaps_the_player(world: Any, browser: Browser) -> None:
    """A click on a card changes the same player's source, the words around it and the address; going back undoes it."""
    page, complaints = await _open(browser, world, "/song/slow-tide")
    await page.evaluate("document.querySelector('sps-player').kept = true")
    await page.click("[data-song=letters]")
    await page.wait_for_url("**/song/letters")
    player = page.locator("sps-player")
    assert await player.get_attribute("src") == "/songs/letters.sps"
    assert await player.evaluate("element => element.kept") is True
    assert "Letters <for> the & Lighthouse" in await player.inner_text()
    assert await page.locator("[data-song][aria-current]").get_attribute("data-song") == "letters"
    assert "Letters" in await page.title()
    await page.go_back()
    await expect(page.locator("sps-player")).to_have_attribute("src", "/songs/slow-tide.sps")
    assert complaints == []


async def test_catalogue_without_script(world: Any, browser: Browser) -> None:
    """With script off, a card is a link to a page with that song in the player."""
    page, _ = await _open(browser, world, "/", java_script_enabled=False)
    await page.click("[data-song=letters]")
    await page.wait_for_url("**/song/letters")
    assert await page.locator("sps-player").get_attribute("src") == "/songs/letters.sps"


async def test_keyboard_reaches_the_songs(world: Any, browser: Browser) -> None:
    """The first stop of the keyboard is the way past the header; a card opens with Enter."""
    page, _ = await _open(browser, world, "/song/slow-tide")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.focus("[data-song=letters]")
    await page.keyboard.press("Enter")
    await expect(page.locator("sps-player")).to_have_attribute("src", "/songs/letters.sps")
