"""A station, a song and the peers in one browser: what the measurements of players share.

All players play FLAC from one nginx: ours, shaka-player (ClearKey) and hls.js (AES-128). A measurement ends at the
element's event that it plays, or at the start of its clock by later readings, whichever is later. Only events and
timers run in the page.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.far import far
from benchmarks.figure import median, percentile
from benchmarks.peers.media import make
from benchmarks.scale import setting
from demo.__main__ import POLICY, sample
from demo.browsers import Browser
from demo.browsers.chromium import Chromium, chromium
from demo.fan import MAIN, PLAY, install_host, state_until
from demo.paths import program
from demo.process import free_port
from demo.stack import Stack, running

ROUNDS: Final = setting("GOMAA_BENCH_ROUNDS", 8, 1)
DELAY_S: Final = 0.05
"""Delay of a request over the longer line; the host's own lines to security server and chain are not made longer."""
PEERS: Final = {"chromium": ("hls", "shaka"), "firefox": ("hls",)}
"""The peers of each browser. Firefox decrypts no FLAC by ClearKey."""

_NGINX: Final = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  types {{ text/html html; text/javascript js; application/dash+xml mpd; application/vnd.apple.mpegurl m3u8; video/mp4 mp4 m4s; }}
  default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{port};
    add_header Cache-Control "no-store" always;
    location /peers/ {{ root {folder}; }}
    location /bench.html {{ root {folder}; }}
    location /songs/ {{ root {stack}; }}
    location / {{ proxy_pass http://127.0.0.1:{station}; proxy_set_header Host $http_host; }}
  }}
}}
"""  # noqa: E501

_RUN: Final = """async (call) => {
  const ended = new Promise((resolve) => document.addEventListener('bench-end', resolve, { once: true }));
  document.dispatchEvent(new CustomEvent('bench', { detail: call }));
  await ended;
  return document.documentElement.dataset.result;
}"""


@contextmanager
def _nginx(folder: Path, port: int, stack: Path, station: int) -> Iterator[None]:
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(_NGINX.format(folder=folder, port=port, stack=stack, station=station, user=user))
    process = subprocess.Popen([program("nginx"), "-p", str(folder), "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/peers/peer.html", timeout=1).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


@dataclass(frozen=True)
class Served:
    """A station whose song and peers' files come from one nginx at ``base``, and the home of a browser with a host."""

    stack: Stack
    base: str
    home: Path

    @property
    def song(self) -> str:
        """The sample's path."""
        return f"/songs/{next(iter(self.stack.songs))}"


@dataclass(frozen=True)
class Scene(Served):
    """The same with a Chromium in which a song has been played."""

    browser: Chromium


@contextmanager
def served(delay_s: float, browser: str) -> Iterator[Served]:
    """Run the servers, with a host for ``browser``; each request of a page is delayed by ``delay_s`` before nginx."""
    with tempfile.TemporaryDirectory(prefix="gomaa-bench-", ignore_cleanup_errors=True) as name, ExitStack() as both:
        folder = Path(name)
        folder.chmod(0o755)
        port, station = free_port(), free_port()
        front = both.enter_context(far(port, delay_s)) if delay_s else port
        stack = both.enter_context(
            running(folder / "stack", [sample()], POLICY, station_port=station, domain=f"127.0.0.1:{front}")
        )
        make(sample(), folder)
        (folder / "bench.html").write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>bench</title><body>'
        )
        home = folder / "home"
        home.mkdir()
        install_host(home, stack.folder / "deployment.json", browser)
        both.enter_context(_nginx(folder, port, stack.folder, station))
        yield Served(stack, f"http://127.0.0.1:{front}", home)


@contextmanager
def scene(
    delay_s: float = 0.0, start: Callable[[Path], AbstractContextManager[Chromium]] = chromium
) -> Iterator[Scene]:
    """Run everything.

    Args:
        delay_s: Delay of each request of a page, player or peer before nginx.
        start: Starts the browser for a home in which the host is installed.
    """
    with served(delay_s, "chromium") as here, start(here.home) as browser:
        consent(browser, here.base)
        yield Scene(here.stack, here.base, here.home, browser)


def consent(browser: Browser, base: str) -> None:
    """A play before the measured ones: the site is known and everything is warm."""
    page = browser.tab(f"{base}/")
    player = browser.player(page)
    player.wait(f"{PLAY}:not([disabled])", 60)
    player.click(PLAY)
    state_until(player, "playing")
    player.click(MAIN)
    state_until(player, "paused")
    page.close()


def measured(here: Served, browser: Browser, name: str, kind: str, argument: object = None) -> list[list[float]]:
    """Measure one player on a page of its own, after a press on the page.

    Args:
        here: The servers.
        browser: The browser.
        name: Of ``measurements`` in ``benchmarks/peers``.
        kind: A peer, or the path of a song.
        argument: What the measurement takes.

    Returns:
        Of each start or seek: milliseconds to the element's event, and to the start of its clock.

    Raises:
        RuntimeError: The player failed.
    """
    page = browser.tab(f"{here.base}/peers/peer.html")
    try:
        page.click_once("button")
        outcome = json.loads(page.run_async(_RUN, json.dumps([name, kind, argument])))
    finally:
        page.close()
    if "error" in outcome:
        raise RuntimeError(f"{kind}: {outcome['error']}")
    return list(outcome["result"])


def medians(samples: Sequence[Sequence[float]]) -> dict[str, float]:
    """Median and 90th percentile of the clock's start, median of the event, and number of samples; times in ms."""
    clock, event = [sample[1] for sample in samples], [sample[0] for sample in samples]
    return {
        "median": median(clock),
        "p90": round(percentile(clock, 0.9), 1),
        "event": median(event),
        "n": len(samples),
    }
