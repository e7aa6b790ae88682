"""What the player does by itself in Chromium while a song plays and nothing changes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Frame, Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ui_preview"))

from samples import NOW_S, state, terms
from stage import PATIENCE_MS, ROOT, PreviewStage, chromium

SECONDS: Final = 30
COUNT: Final = """
globalThis.counts = { timers: 0, frames: 0, drawn: 0 };
const { setTimeout: later, setInterval: often, requestAnimationFrame: draw } = globalThis;
globalThis.setTimeout = (...given) => (counts.timers++, later(...given));
globalThis.setInterval = (...given) => (counts.timers++, often(...given));
globalThis.requestAnimationFrame = (...given) => (counts.frames++, draw(...given));
"""
WATCH: Final = """() => {
  Object.assign(counts, { timers: 0, frames: 0, drawn: 0 });
  const isOfWave = ({ target }) => target instanceof SVGElement && target.closest(".seek");
  new MutationObserver((changes) => (counts.drawn += changes.filter(isOfWave).length)).observe(document, {
    subtree: true, childList: true, attributes: true, characterData: true,
  });
}"""


@pytest.fixture(scope="module")
def stage() -> Iterator[PreviewStage]:
    """A browser."""
    with chromium() as here:
        yield here


@contextmanager
def playing(stage: PreviewStage, above_px: int) -> Iterator[tuple[Page, Frame]]:
    """A page with a playing player, so far from its top, on a clock that stands."""
    messages = json.loads((ROOT / "extension/_locales/en/messages.json").read_text())
    sent = [terms("en"), state("playing", heard_rate=1, rate=1)]
    preview = {"messages": messages, "scenario": {"player": sent, "wallet": {}}}
    fake = (ROOT / "tests/ui_preview/fake_chrome.js").read_text()
    context = stage.browser.new_context(viewport={"width": 800, "height": 760})
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.clock.install(time=datetime.fromtimestamp(NOW_S, UTC))
        page.add_init_script(f"globalThis.__preview = {json.dumps(preview)};\n{fake}\n{COUNT}")
        around = (
            f'<!doctype html><div style="height: {above_px}px"></div>'
            '<iframe src="/player/player.html" style="width: 720px; height: 400px"></iframe>'
        )
        page.route("**/around.html", lambda route: route.fulfill(body=around, content_type="text/html"))
        page.goto(f"{stage.origin}/around.html")
        frame = page.frames[-1]
        frame.wait_for_selector(".playhead", state="attached")
        page.clock.pause_at(datetime.fromtimestamp(NOW_S + 60, UTC))
        frame.evaluate(WATCH)
        yield page, frame
    finally:
        context.close()


def counts(frame: Frame) -> dict[str, Any]:
    """The number of timers, of frames that were asked for, and of changes to the waveform's drawing."""
    return dict(frame.evaluate("() => new Promise((done) => queueMicrotask(() => done(counts)))"))


def test_a_visible_player_wakes_once_a_second_and_draws_no_bar(stage: PreviewStage) -> None:
    """In half a minute the clock has advanced by it, by a timer a second and moved layers alone."""
    with playing(stage, 0) as (page, frame):
        before = frame.inner_text(".scale .num >> nth=0"), frame.locator(".playhead").get_attribute("style")
        page.clock.run_for(SECONDS * 1000)
        after = frame.inner_text(".scale .num >> nth=0"), frame.locator(".playhead").get_attribute("style")
        minutes, seconds = zip(*(map(int, text.split(":")) for text, _ in (before, after)), strict=True)
        assert abs((minutes[1] - minutes[0]) * 60 + seconds[1] - seconds[0] - SECONDS) <= 1
        assert before[1] != after[1]
        seen = counts(frame)
        assert seen["frames"] == seen["drawn"] == 0
        assert SECONDS - 1 <= seen["timers"] <= SECONDS + 1


def test_a_player_outside_of_the_viewport_sets_no_timer(stage: PreviewStage) -> None:
    """Nothing runs below the fold, and the clock is right as soon as the page is scrolled to it."""
    with playing(stage, 5000) as (page, frame):
        page.clock.run_for(SECONDS * 1000)
        assert counts(frame) == {"timers": 0, "frames": 0, "drawn": 0}
        before = frame.inner_text(".scale .num >> nth=0")
        page.evaluate("scrollTo(0, 5000)")
        frame.wait_for_function("text => document.querySelector('.scale .num').textContent !== text", arg=before)
