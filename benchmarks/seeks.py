"""Seek to sound at a position that is not buffered, in Chromium and in Firefox, beside hls.js and shaka-player.

All play the same FLAC from one nginx. Interleaved: every round goes once
through all kinds in a random order; a first round is dropped. From setting
``currentTime`` to the element's event that it plays there, and to the start of
its clock by later readings, whichever is later. Nothing runs in the page
meanwhile.
"""

from __future__ import annotations

import random
from contextlib import nullcontext
from typing import Any, Final

from benchmarks.figure import Figure
from benchmarks.players import PEERS, ROUNDS, Scene, Served, consent, measured, medians, scene, served
from benchmarks.scale import scaled
from demo.browsers import Browser
from demo.browsers.firefox import firefox

TARGETS_S: Final = ((18.0, 22.0), (33.0, 42.0))
"""Ranges of the targets of a round, seconds: beyond what a player buffers at the start, inside the lease's window."""


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
            seeks = measured(here, browser, "seeks", what, targets)
            if number >= 0:
                samples[kind] += seeks
    return samples


def _figure(samples: dict[str, list[list[float]]], ending: str) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "what": "setting currentTime to a place that is not buffered, to sound there: the later one of the element's "
        "event and the start of its clock; event: the former"
    }
    for kind, seeks in sorted(samples.items()):
        detail[kind] = medians(seeks)
    ours, peer = detail["ours"]["median"], detail["hls"]["median"]
    return Figure(f"seek{ending}", ours, "ms", "hls.js, AES-128", peer, "lower", detail).to_json()
