"""Wish to sound, of a new player and of one that is ready, in Chromium and in Firefox, beside the peers.

All play the same FLAC from one nginx. Interleaved: every round goes once
through all kinds in a random order; a first round is dropped. From setting
``src`` (of a peer: from loading its manifest) with ``play()`` as soon as the
player takes it, or from ``play()`` alone, to sound.
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

PEER: Final = {"chromium": "shaka", "firefox": "hls"}
"""The peer of each browser beside which the figures are set."""
WHAT: Final = {
    "first_audio": "from setting src on a new element and calling play(), engine warm, to sound; beside a peer on a "
    "page that has played before (warm), its library loaded before",
    "prepared_play": "play() on an element that is ready",
}


def run(here: Scene | None = None, delay_s: float = 0.0, ending: str = "") -> list[dict[str, Any]]:
    """Measure in Chromium; two figures, their names ending in ``ending``. In a scene of its own, or in ``here``."""
    with nullcontext(here) if here else scene(delay_s) as found:
        return _figures(_rounds(found, found.browser), PEER["chromium"], ending)


def run_firefox(delay_s: float, ending: str) -> list[dict[str, Any]]:
    """Measure in Firefox; two figures, their names ending in ``ending``."""
    with served(delay_s, "firefox") as here, firefox(here.home) as browser:
        consent(browser, here.base)
        return _figures(_rounds(here, browser), PEER["firefox"], ending)


def _rounds(here: Served, browser: Browser) -> dict[str, list[list[float]]]:
    """Milliseconds to the event and to the clock, of each start, by player and kind of start."""
    dice = random.Random(5)
    kinds = {"ours": here.song, **{peer: peer for peer in PEERS[browser.name]}}
    samples: dict[str, list[list[float]]] = {
        f"{kind} {start}": [] for kind in kinds for start in ("first", "warm", "prepared")
    }
    for number in range(scaled(-1, 0), ROUNDS):
        for kind, what in dice.sample(list(kinds.items()), len(kinds)):
            first, warm = measured(here, browser, "first", what)
            (prepared,) = measured(here, browser, "prepared", what)
            if number >= 0:
                for start, value in (("first", first), ("warm", warm), ("prepared", prepared)):
                    samples[f"{kind} {start}"].append(value)
    return samples


def _figures(samples: dict[str, list[list[float]]], peer: str, ending: str) -> list[dict[str, Any]]:
    detail = {name: medians(starts) for name, starts in sorted(samples.items())}
    return [
        Figure(
            name + ending,
            detail[f"ours {ours}"]["median"],
            "ms",
            f"{peer} {theirs}",
            detail[f"{peer} {theirs}"]["median"],
            "lower",
            {"what": WHAT[name], **detail},
        ).to_json()
        for name, ours, theirs in (("first_audio", "first", "warm"), ("prepared_play", "prepared", "prepared"))
    ]
