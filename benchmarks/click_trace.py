"""Timelines of a click through page, content script, background, engine, player frame and host, on one clock.

The extension is a copy of the package with marks (``benchmarks/tracing``); the package has none. Chromium: one trace of
the whole browser, whose clock is CLOCK_MONOTONIC like the host's. Firefox: the marks of each document. The tables go to
standard error and, as hops, into the figures' details.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

from benchmarks.figure import Figure, median
from benchmarks.players import Scene, consent, measured, scene
from benchmarks.scale import scaled, setting
from benchmarks.tracing.bench_page import SCRIPT
from benchmarks.tracing.copies import record_frames, traced_extension
from benchmarks.tracing.firefox import FirefoxClicks, firefox_clicks
from benchmarks.tracing.reader import CATEGORIES, Click, read_chromium, read_stamps, with_host
from benchmarks.tracing.timeline import Hop, largest, median_click, messages, quickest_click, table, timeline
from demo.browsers.chromium import Chromium, chromium
from demo.browsers.devtools import ARGUMENT, Devtools, devtools

ROUNDS: Final = setting("GOMAA_BENCH_ROUNDS", 8, 1)
ALL_MARKS: Final = setting("GOMAA_BENCH_ALL_MARKS", 0, 0)
"""Not 0: the tables have every mark of the median click, not only the chain that leads to the sound."""
TARGETS_S: Final = (18.0, 42.0)
"""Range of the targets of the seeks, seconds: beyond what a player buffers at the start."""
KINDS: Final = {"first_audio": ("shaka", "warm page"), "prepared_play": ("shaka", "buffered"), "seek": ("hls.js", "")}
"""Kinds of clicks with their peers."""


def run() -> list[dict[str, Any]]:
    """Measure; a figure for each kind of click."""
    with tempfile.TemporaryDirectory(prefix="gomaa-bench-", ignore_cleanup_errors=True) as name:
        stamps = Path(name) / "frames"
        stamps.touch()
        extension = traced_extension("chromium", Path(name))

        @contextmanager
        def start(home: Path) -> Iterator[Chromium]:
            record_frames(home, stamps)
            with chromium(home, arguments=[ARGUMENT], extension=extension) as browser:
                yield browser

        with scene(start=start) as here, devtools(here.home / "chromium") as tools:
            figures = _figures(*_rounds(here, tools, stamps))
            folder = Path(name) / "firefox"
            folder.mkdir()
            with firefox_clicks(folder, here.stack.folder / "deployment.json", here.base) as other:
                return figures + _firefox_figures(_firefox_rounds(here, other), figures)


def _rounds(here: Scene, tools: Devtools, stamps: Path) -> tuple[dict[str, list[Click]], dict[str, list[float]]]:
    clicks: dict[str, list[Click]] = {kind: [] for kind in KINDS}
    peers: dict[str, list[float]] = {kind: [] for kind in KINDS}
    dice = random.Random(11)
    for number in range(scaled(-1, 0), ROUNDS):
        target_s = dice.uniform(*TARGETS_S)
        measured: list[dict[str, Any]] = []
        for who in dice.sample(("ours", "peers"), 2):
            measured.append(_ours(here, tools, stamps, target_s) if who == "ours" else _peers(here, target_s))
        if number < 0:
            continue
        for found in measured:
            for kind, value in found.items():
                if isinstance(value, Click):
                    clicks[kind].append(value)
                else:
                    peers[kind] += value
    return clicks, peers


def _ours(here: Scene, tools: Devtools, stamps: Path, target_s: float) -> dict[str, Any]:
    """One click of each kind; the seek is to ``target_s``, seconds."""
    found: dict[str, Any] = {}

    def click(page: Page, kind: str, value: object) -> None:
        with tools.traced(CATEGORIES) as events:
            page.evaluate(f"(value) => clicks.{kind}(value)", value)
        found[kind] = with_host(read_chromium(events), read_stamps(stamps.read_text().splitlines()))

    for prepared in (False, True):
        page = here.browser.context.new_page()
        try:
            page.goto(f"{here.base}/bench.html")
            page.evaluate(SCRIPT)
            if not prepared:
                click(page, "first_audio", here.song)
            else:
                page.evaluate("(src) => clicks.prepare(src)", here.song)
                click(page, "prepared_play", None)
                page.evaluate("clicks.steady()")
                click(page, "seek", target_s)
            page.evaluate("clicks.end()")
        finally:
            page.close()
    return found


def _firefox_rounds(here: Scene, clicks: FirefoxClicks) -> dict[str, list[Click]]:
    """Clicks of each kind in Firefox, without the first round."""
    consent(clicks.browser, here.base)
    dice = random.Random(11)
    rounds = [clicks.round(here.song, dice.uniform(*TARGETS_S)) for _ in range(scaled(-1, 0), ROUNDS)]
    return {kind: [found[kind] for found in rounds[-ROUNDS:]] for kind in KINDS}


def _peers(here: Scene, target_s: float) -> dict[str, list[float]]:
    """Times of the peers, ms; a seek of theirs that was buffered is left out."""
    # The clicks of ours end at the event, too.
    first, prepared, seeks = (
        measured(here, here.browser, name, peer, argument)
        for name, peer, argument in (
            ("first", "shaka", None),
            ("prepared", "shaka", None),
            ("seeks", "hls", [target_s]),
        )
    )
    return {"first_audio": [first[1][0]], "prepared_play": [prepared[0][0]], "seek": [seek[0] for seek in seeks]}


def _figures(clicks: dict[str, list[Click]], peers: dict[str, list[float]]) -> list[dict[str, Any]]:
    names = {kind: " ".join(part for part in words if part) for kind, words in KINDS.items()}
    return [_figure(f"click_trace_{kind}", clicks[kind], names[kind], median(peers[kind])) for kind in KINDS]


def _firefox_figures(clicks: dict[str, list[Click]], chromium: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same in Firefox, beside Chromium's."""
    values = zip(KINDS, (float(figure["value"]) for figure in chromium), strict=True)
    return [_figure(f"click_trace_firefox_{kind}", clicks[kind], "Chromium", value) for kind, value in values]


def _figure(name: str, clicks: Sequence[Click], peer: str, peer_value: float) -> dict[str, Any]:
    """A kind of click as a figure; its table goes to standard error."""
    totals = [click.total_ms for click in clicks]
    detail: dict[str, Any] = {
        "clicks_ms": [round(total, 1) for total in sorted(totals)],
        "messages": messages(median_click(clicks)),
        "largest": _rows(largest(timeline(clicks))),
    }
    for which, click in (("quickest", quickest_click(clicks)), ("median", median_click(clicks))):
        detail[which] = _rows(timeline(clicks, click))
        if which == "quickest" and click is median_click(clicks):
            continue
        hops = timeline(clicks, click, whole=bool(ALL_MARKS))
        print(table(f"\n{name}: the {which} of {len(totals)} clicks", hops), file=sys.stderr, flush=True)
    return Figure(name, median(totals), "ms", peer, peer_value, "lower", detail).to_json()


def _rows(hops: Sequence[Hop]) -> list[dict[str, Any]]:
    """Hops as objects of the figure's detail; times in ms."""
    return [
        {
            "at": round(hop.at_ms, 2),
            "hop": round(hop.ms, 2),
            "render": round(hop.rendering_ms, 2),
            "median": None if hop.median_ms is None else round(hop.median_ms, 2),
            "where": hop.mark.context,
            "what": hop.mark.text,
        }
        for hop in hops
    ]
