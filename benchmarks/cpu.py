"""Processor time of a minute of music.

The whole browser and, for ours, the host, beside shaka-player, hls.js and a plain audio element.

Interleaved in one Chromium; what the servers take is not counted, what the
browser takes while nothing plays is in every value and shown as ``idle``.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from benchmarks.figure import Figure
from benchmarks.memory import browsers
from benchmarks.players import Scene, scene
from benchmarks.scale import scaled, setting

ROUNDS: Final = setting("GOMAA_BENCH_ROUNDS", 3, 1)
HEARD_S: Final = scaled(20.0, 1.0)
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_OURS: Final = """(src) => new Promise((resolve, reject) => {
  const player = Object.assign(document.createElement('sps-player'), { src });
  player.addEventListener('canplay', () => player.play().catch(reject), { once: true });
  player.addEventListener('playing', resolve, { once: true });
  player.addEventListener('error', () => reject(new Error(player.error?.code)), { once: true });
  document.body.append(player);
})"""
_PLAIN: Final = """(src) => { const audio = Object.assign(new Audio(), { src }); document.body.append(audio); return audio.play(); }"""  # noqa: E501


def run(scene_here: Scene | None = None) -> list[dict[str, Any]]:
    """Measure; one figure, in seconds of processor time for a minute of music.

    In a scene of its own, or in the one given.
    """
    kinds = ["idle", "plain", "shaka", "hls", "ours"]
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    dice = random.Random(3)
    with nullcontext(scene_here) if scene_here else scene() as here:
        (top,) = browsers(here.home)
        for number in range(scaled(-1, 0), ROUNDS):
            dice.shuffle(kinds)
            for kind in kinds:
                spent = _play(here, kind, top)
                if number >= 0:
                    taken[kind].append(spent)
    middle = {kind: round(statistics.median(values), 2) for kind, values in sorted(taken.items())}
    detail = {"heard_s": HEARD_S, "rounds": ROUNDS, **middle}
    return [
        Figure(
            "cpu_per_minute", middle["ours"], "s", "shaka-player, ClearKey", middle["shaka"], "lower", detail
        ).to_json()
    ]


def _play(here: Scene, kind: str, top: int) -> float:
    page = here.browser.context.new_page()
    try:
        page.goto(f"{here.base}/{'peers/peer.html' if kind in ('shaka', 'hls') else 'bench.html'}")
        if kind == "ours":
            page.evaluate(_OURS, here.song)
        elif kind == "plain":
            page.evaluate(_PLAIN, "/peers/plain.mp4")
        elif kind != "idle":
            page.evaluate(f"bench.start({kind!r})")
        before, begun = _seconds(top), time.monotonic()
        # Time is what is measured here.
        time.sleep(HEARD_S)
        return (_seconds(top) - before) * 60 / (time.monotonic() - begun)
    finally:
        page.close()


def _seconds(top: int) -> float:
    """Processor time of a process and its descendants, s.

    Ended children are included where their parent waited for them.
    """
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        pid = int(place.parent.name)
        parents[pid], ticks[pid] = int(fields[1]), sum(map(int, fields[11:15]))

    def under(pid: int) -> bool:
        while pid and pid != top:
            pid = parents.get(pid, 0)
        return pid == top

    return sum(count for pid, count in ticks.items() if under(pid)) / _TICKS
