"""Timelines of a click through page, content script, background, engine, player frame and host, on one clock.

The extension is a copy of the package with marks (``benchmarks/tracing``); the package has none. Chromium: one trace of
the whole browser, whose clock is CLOCK_MONOTONIC like the host's. The tables go to standard error and, as hops, into
the figures' details.
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
from benchmarks.players import Scene, scene
from benchmarks.scale import scaled, setting
from benchmarks.tracing.copies import record_frames, traced_extension
from benchmarks.tracing.reader import CATEGORIES, PREFIX, SOUND, WISH, Click, read_chromium, read_stamps, with_host
from benchmarks.tracing.timeline import Hop, largest, median_click, messages, table, timeline
from demo.browsers.chromium import Chromium, chromium
from demo.browsers.devtools import ARGUMENT, Devtools, devtools

ROUNDS: Final = setting("GOMAA_BENCH_ROUNDS", 8, 1)
ALL_MARKS: Final = setting("GOMAA_BENCH_ALL_MARKS", 0, 0)
"""Not 0: the tables have every mark of the median click, not only the chain that leads to the sound."""
KINDS: Final = {"first_audio": ("shaka", "warm page"), "prepared_play": ("shaka", "buffered"), "seek": ("hls.js", "")}
"""Kinds of clicks with their peers."""
PREPARED_MS: Final = 800
"""Time that an element is ready before its play: session, ticket and lease are there."""

PAGE: Final = (
    """window.clicks = {
  mark: (text) => performance.mark(`PREFIX|page|${text}`),
  once: (name) => new Promise((resolve, reject) => {
    player.addEventListener(name, resolve, { once: true });
    player.addEventListener('error', () => reject(new Error(player.error?.code + ' ' + player.error?.message)));
  }),
  async show(src) {
    window.player = document.createElement('sps-player');
    const ready = clicks.once('canplay');
    player.src = src;
    document.body.append(player);
    await ready;
  },
  async first_audio(src) {
    clicks.mark('WISH');
    await clicks.show(src);
    clicks.mark('receives canplay, calls play');
    await clicks.sound(() => player.play().catch(() => undefined));
  },
  async prepare(src) {
    await clicks.show(src);
    await new Promise((resolve) => setTimeout(resolve, PREPARED_MS));
  },
  async prepared_play() {
    clicks.mark('WISH');
    await clicks.sound(() => player.play().catch(() => undefined));
  },
  async steady() {
    const from = player.currentTime + 0.3;
    while (player.currentTime < from) await clicks.once('timeupdate');
  },
  async seek(place) {
    clicks.mark('WISH');
    await clicks.sound(() => { player.currentTime = place * (player.duration - 8); });
  },
  async sound(act) {
    const playing = clicks.once('playing');
    act();
    await playing;
    clicks.mark('SOUND');
  },
  async end() {
    const paused = clicks.once('pause');
    player.pause();
    await paused;
    player.remove();
  },
};""".replace("PREFIX", PREFIX)
    .replace("WISH", WISH)
    .replace("SOUND", SOUND)
    .replace("PREPARED_MS", str(PREPARED_MS))
)


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
            return _figures(*_rounds(here, tools, stamps))


def _rounds(here: Scene, tools: Devtools, stamps: Path) -> tuple[dict[str, list[Click]], dict[str, list[float]]]:
    clicks: dict[str, list[Click]] = {kind: [] for kind in KINDS}
    peers: dict[str, list[float]] = {kind: [] for kind in KINDS}
    dice = random.Random(11)
    for number in range(scaled(-1, 0), ROUNDS):
        place = dice.uniform(0.35, 0.95)
        measured: list[dict[str, Any]] = []
        for who in dice.sample(("ours", "peers"), 2):
            measured.append(_ours(here, tools, stamps, place) if who == "ours" else _peers(here, place))
        if number < 0:
            continue
        for found in measured:
            for kind, value in found.items():
                if isinstance(value, Click):
                    clicks[kind].append(value)
                else:
                    peers[kind] += value
    return clicks, peers


def _ours(here: Scene, tools: Devtools, stamps: Path, place: float) -> dict[str, Any]:
    """One click of each kind."""
    found: dict[str, Any] = {}

    def click(page: Page, kind: str, value: object) -> None:
        with tools.traced(CATEGORIES) as events:
            page.evaluate(f"(value) => clicks.{kind}(value)", value)
        found[kind] = with_host(read_chromium(events), read_stamps(stamps.read_text().splitlines()))

    for prepared in (False, True):
        page = here.browser.context.new_page()
        try:
            page.goto(f"{here.base}/bench.html")
            page.evaluate(PAGE)
            if not prepared:
                click(page, "first_audio", here.song)
            else:
                page.evaluate("(src) => clicks.prepare(src)", here.song)
                click(page, "prepared_play", None)
                page.evaluate("clicks.steady()")
                click(page, "seek", place)
            page.evaluate("clicks.end()")
        finally:
            page.close()
    return found


def _peers(here: Scene, place: float) -> dict[str, list[float]]:
    """Times of the peers, ms; a seek of theirs that was buffered is left out."""
    calls = {
        "first_audio": "(async () => { await bench.start('shaka'); return [await bench.again('shaka')]; })()",
        "prepared_play": "(async () => [await bench.prepared('shaka')])()",
        "seek": f"bench.seeks('hls', [{place}])",
    }
    found: dict[str, list[float]] = {}
    for kind, call in calls.items():
        page = here.browser.context.new_page()
        try:
            page.goto(f"{here.base}/peers/peer.html")
            found[kind] = list(page.evaluate(call))
        finally:
            page.close()
    return found


def _figures(clicks: dict[str, list[Click]], peers: dict[str, list[float]]) -> list[dict[str, Any]]:
    figures = []
    for kind, (peer, how) in KINDS.items():
        hops = timeline(clicks[kind])
        totals = [click.total_ms for click in clicks[kind]]
        shown = timeline(clicks[kind], whole=True) if ALL_MARKS else hops
        print(table(f"\n{kind}: {len(totals)} clicks, the median one", shown), file=sys.stderr, flush=True)
        detail = {
            "clicks_ms": [round(total, 1) for total in sorted(totals)],
            "messages": messages(median_click(clicks[kind])),
            "largest": _rows(largest(hops)),
            "hops": _rows(hops),
        }
        name = " ".join(part for part in (peer, how) if part)
        figures.append(
            Figure(f"click_trace_{kind}", median(totals), "ms", name, median(peers[kind]), "lower", detail).to_json()
        )
    return figures


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
