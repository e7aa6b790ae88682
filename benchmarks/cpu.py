"""Processor time of a minute of music, beside a plain audio element in the same run.

The whole browser and, for ours, the host, where the player can be seen and
where it is hidden (out of the viewport in Chromium, in another tab in
Firefox); in Chromium beside shaka-player and hls.js, too. Interleaved in one
browser; what the servers take is not counted, what the browser takes while
nothing plays is in every value and shown as ``idle``. The page has no loop or
timer of its own.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.figure import Figure
from benchmarks.memory import browsers, firefoxes
from benchmarks.players import Scene, consent, scene
from benchmarks.scale import scaled, setting
from demo.browsers.firefox import firefox
from demo.browsers.view import Browser, View
from demo.fan import PLAY, install_host, state_until

ROUNDS: Final = setting("GOMAA_BENCH_ROUNDS", 3, 1)
HEARD_S: Final = scaled(20.0, 1.0)
SETTLE_S: Final = scaled(3.0, 0.0)
"""Time from the start of the sound to the measurement: loading the page is not counted."""
PEERS: Final = ("shaka", "hls")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_SHOW: Final = "document.body.append(Object.assign(document.createElement('sps-player'), {src: SRC}))"
_PLAIN: Final = "document.body.append(Object.assign(document.createElement('audio'), {src: SRC, autoplay: true}))"
_PUSH_OUT: Final = "document.body.style.paddingTop = '3000px'"
_PLAYS: Final = "(a => !a.paused && a.currentTime > 0)(document.querySelector('audio'))"


@dataclass(frozen=True)
class Kind:
    """Player of a measurement and the visibility of its tab."""

    what: str
    hidden: bool

    @property
    def name(self) -> str:
        """Key in the detail of a figure."""
        return f"{self.what} hidden" if self.hidden else self.what


def run(scene_here: Scene | None = None) -> list[dict[str, Any]]:
    """Measure; four figures, in seconds of processor time for a minute of music.

    In a scene of its own, or in the one given.
    """
    with nullcontext(scene_here) if scene_here else scene() as here, ExitStack() as both:
        (chromium,) = browsers(here.home)
        figures = _figures("", _rounds(here, here.browser, chromium, PEERS))
        home = here.home.parent / "firefox"
        home.mkdir(exist_ok=True)
        install_host(home, here.stack.folder / "deployment.json", "firefox")
        browser = both.enter_context(firefox(home))
        consent(browser, here.base)
        (top,) = firefoxes(home)
        return figures + _figures("_firefox", _rounds(here, browser, top, ()))


def _rounds(here: Scene, browser: Browser, top: int, peers: tuple[str, ...]) -> dict[str, float]:
    kinds = [Kind(what, hidden) for what in ("idle", "plain", "ours") for hidden in (False, True)]
    kinds += [Kind(peer, hidden=False) for peer in peers]
    taken: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    dice = random.Random(3)
    for number in range(scaled(-1, 0), ROUNDS):
        dice.shuffle(kinds)
        for kind in kinds:
            spent = _play(here, browser, kind, top)
            if number >= 0:
                taken[kind.name].append(spent)
    return {name: round(statistics.median(values), 2) for name, values in sorted(taken.items())}


def _figures(ending: str, medians: dict[str, float]) -> list[dict[str, Any]]:
    detail = {"heard_s": HEARD_S, "rounds": ROUNDS, **medians}
    return [
        Figure(
            f"cpu_per_minute{part}{ending}",
            medians[f"ours{suffix}"],
            "s",
            f"plain audio element{suffix}",
            medians[f"plain{suffix}"],
            "lower",
            detail,
        ).to_json()
        for part, suffix in (("", ""), ("_hidden", " hidden"))
    ]


def _play(here: Scene, browser: Browser, kind: Kind, top: int) -> float:
    with ExitStack() as tabs:

        def tab(url: str) -> View:
            view = browser.tab(url)
            tabs.callback(view.close)
            return view

        page = tab(f"{here.base}/{'peers/peer.html' if kind.what in PEERS else 'bench.html'}")
        _START[kind.what](here, browser, page)
        if kind.hidden:
            if browser.name == "firefox":
                tab("about:blank")
            # The driver of Chromium keeps every tab visible.
            page.run(_PUSH_OUT)
        # Time is what is measured here.
        time.sleep(SETTLE_S)
        before, begun = _seconds(top), time.monotonic()
        time.sleep(HEARD_S)
        return (_seconds(top) - before) * 60 / (time.monotonic() - begun)


def _ours(here: Scene, browser: Browser, page: View) -> None:
    page.run(_SHOW.replace("SRC", repr(here.song)))
    player = browser.player(page)
    player.wait(f"{PLAY}:not([disabled])", 60)
    player.click(PLAY)
    state_until(player, "playing")


def _plain(here: Scene, browser: Browser, page: View) -> None:
    page.run(_PLAIN.replace("SRC", repr("/peers/plain.mp4")))
    page.until(_PLAYS)


def _peer(kind: str) -> Callable[[Scene, Browser, View], None]:
    def start(here: Scene, browser: Browser, page: View) -> None:
        page.run(f"bench.start({kind!r})")

    return start


_START: Final[dict[str, Callable[[Scene, Browser, View], None]]] = {
    "idle": lambda here, browser, page: None,
    "plain": _plain,
    "ours": _ours,
    **{kind: _peer(kind) for kind in PEERS},
}


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
