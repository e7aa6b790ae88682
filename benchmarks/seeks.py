"""Seek to sound at a position that is not buffered, in Chromium and in Firefox, beside hls.js and shaka-player.

All play the same FLAC from one nginx. Interleaved: every round goes once
through all kinds in a random order; a first round is dropped. From setting
``currentTime`` to the element's event that it plays there, and to the start of
its clock by later readings, whichever is later. Nothing runs in the page
meanwhile.
"""

from __future__ import annotations

import json
import random
from contextlib import nullcontext
from typing import Any, Final

from benchmarks.figure import Figure, median, percentile
from benchmarks.players import Scene, Served, consent, scene, served
from benchmarks.scale import scaled, setting
from demo.browsers import Browser
from demo.browsers.firefox import firefox

ROUNDS: Final = setting("GOMAA_BENCH_ROUNDS", 8, 1)
TARGETS_S: Final = ((18.0, 22.0), (33.0, 42.0))
"""Ranges of the targets of a round, seconds: beyond what a player buffers at the start, inside the lease's window."""
PEERS: Final = {"chromium": ("hls", "shaka"), "firefox": ("hls",)}
"""The peers of each browser. Firefox decrypts no FLAC by ClearKey."""

_RUN: Final = """async (call) => {
  const ended = new Promise((resolve) => document.addEventListener('bench-end', resolve, { once: true }));
  document.dispatchEvent(new CustomEvent('bench', { detail: call }));
  await ended;
  return document.documentElement.dataset.result;
}"""


def run(here: Scene | None = None, delay_s: float = 0.0, ending: str = "") -> list[dict[str, Any]]:
    """Measure in Chromium; one figure, its name ending in ``ending``. In a scene of its own, or in ``here``."""
    with nullcontext(here) if here else scene(delay_s) as found:
        return [_figure(_rounds(found, found.browser), ending)]


def run_firefox(delay_s: float, ending: str) -> list[dict[str, Any]]:
    """Measure in Firefox; one figure, its name ending in ``ending``."""
    with served(delay_s, "firefox") as here, firefox(here.home) as browser:
        consent(browser, here.base)
        return [_figure(_rounds(here, browser), ending)]


def _rounds(here: Served, browser: Browser) -> dict[str, list[list[float]]]:
    """Milliseconds to the event and to the clock, of each seek, by kind."""
    dice = random.Random(5)
    kinds = {"ours": here.song, **{peer: peer for peer in PEERS[browser.name]}}
    samples: dict[str, list[list[float]]] = {kind: [] for kind in kinds}
    for number in range(scaled(-1, 0), ROUNDS):
        targets = [dice.uniform(*part) for part in TARGETS_S]
        dice.shuffle(targets)
        for kind, what in dice.sample(list(kinds.items()), len(kinds)):
            seeks = _seeks(here, browser, what, targets)
            if number >= 0:
                samples[kind] += seeks
    return samples


def _seeks(here: Served, browser: Browser, kind: str, targets: list[float]) -> list[list[float]]:
    """One player on a page of its own."""
    page = browser.tab(f"{here.base}/peers/seeks.html")
    try:
        page.click_once("button")
        result = json.loads(page.run_async(_RUN, json.dumps([kind, targets])))
    finally:
        page.close()
    if "error" in result:
        raise RuntimeError(f"{kind}: {result['error']}")
    return list(result["seeks"])


def _figure(samples: dict[str, list[list[float]]], ending: str) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "what": "setting currentTime to a place that is not buffered, to sound there: the later one of the element's "
        "event and the start of its clock; event: the former"
    }
    for kind, seeks in sorted(samples.items()):
        clock, event = [seek[1] for seek in seeks], [seek[0] for seek in seeks]
        detail[kind] = {
            "median": median(clock),
            "p90": round(percentile(clock, 0.9), 1),
            "event": median(event),
            "n": len(seeks),
        }
    ours, peer = detail["ours"]["median"], detail["hls"]["median"]
    return Figure(f"seek{ending}", ours, "ms", "hls.js, AES-128", peer, "lower", detail).to_json()
