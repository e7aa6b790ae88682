"""Click to sound and seek to sound in one Chromium, beside shaka-player (ClearKey) and hls.js (AES-128).

All play FLAC from one nginx.

Interleaved: every round goes once through all kinds in a random order; a
first round is dropped. From the page's call until the element says it plays
and its clock has advanced; our element's clock runs on by itself between two
messages, so our figures end up to a sink tick (about 20 ms) early.
"""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.far import far
from benchmarks.figure import Figure, median, percentile
from benchmarks.peers.media import make
from benchmarks.scale import scaled, setting
from demo.__main__ import POLICY, sample
from demo.browsers.chromium import Chromium, chromium
from demo.browsers.view import Browser
from demo.fan import MAIN, PLAY, install_host, state_until
from demo.paths import program
from demo.process import free_port
from demo.stack import Stack, running

ROUNDS: Final = setting("GOMAA_BENCH_ROUNDS", 8, 1)
SEEKS: Final = scaled(2, 1)
PEERS: Final = ("shaka", "hls")

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

_OURS: Final = """async () => {
  const until = async (condition, what) => {
    const start = performance.now();
    const { port1, port2 } = new MessageChannel();
    while (!condition()) {
      if (performance.now() - start > 120000) throw new Error('timeout: ' + what);
      await new Promise((resolve) => { port1.onmessage = resolve; port2.postMessage(0); });
    }
  };
  const player = document.createElement('sps-player');
  const ready = new Promise((resolve) => player.addEventListener('canplay', resolve, { once: true }));
  const failed = new Promise((_, reject) => player.addEventListener('error', () => reject(new Error(player.error?.code)), { once: true }));
  const moving = () => !player.paused && !player.seeking && sounding && player.currentTime > from;
  let sounding = false, from = 0;
  player.addEventListener('playing', () => { sounding = true; });
  const shown = performance.now();
  player.src = SRC;
  document.body.append(player);
  await Promise.race([ready, failed]);
  PREPARE
  const start = PREPARED ? performance.now() : shown;
  player.play().catch(() => undefined);
  await Promise.race([until(moving, 'play'), failed]);
  const first = performance.now() - start;
  const seeks = [];
  for (const place of PLACES) {
    const steady = player.currentTime + 0.3;
    await until(() => player.currentTime > steady, 'steady');
    from = place * (player.duration - 8);
    sounding = false;
    const asked = performance.now();
    player.currentTime = from;
    await Promise.race([until(moving, 'seek'), failed]);
    seeks.push(performance.now() - asked);
  }
  player.pause();
  await new Promise((resolve) => player.addEventListener('pause', resolve, { once: true }));
  player.remove();
  return { first, seeks };
}"""  # noqa: E501


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
class Scene:
    """A browser with a consenting fan, a station whose song and peers' files come from one nginx at ``base``."""

    browser: Chromium
    stack: Stack
    base: str
    home: Path

    @property
    def song(self) -> str:
        """The sample's path."""
        return f"/songs/{next(iter(self.stack.songs))}"


@contextmanager
def scene(delay_s: float = 0.0) -> Iterator[Scene]:
    """Run everything; each request of a page, player or peer is delayed by ``delay_s`` before nginx."""
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
        install_host(home, stack.folder / "deployment.json", "chromium")
        both.enter_context(_nginx(folder, port, stack.folder, station))
        here = Scene(both.enter_context(chromium(home)), stack, f"http://127.0.0.1:{front}", home)
        consent(here.browser, here.base)
        yield here


def run(here: Scene | None = None, delay_s: float = 0.0, ending: str = "") -> list[dict[str, Any]]:
    """Measure; three figures, their names ending in ``ending``. In a scene of its own, or in ``here``."""
    with nullcontext(here) if here else scene(delay_s) as found:
        return _figures(_rounds(found), ending)


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


def _rounds(here: Scene) -> dict[str, list[float]]:
    browser, base, song = here.browser, here.base, here.song
    samples: dict[str, list[float]] = {}
    dice = random.Random(5)

    def ours(prepared: bool, places: list[float]) -> dict[str, Any]:
        page = browser.context.new_page()
        page.goto(f"{base}/bench.html")
        # Prepared: header, session, ticket and lease are there, as they are while a fan reads the terms.
        wait = "await new Promise((resolve) => setTimeout(resolve, 800));" if prepared else ""
        script = (
            _OURS.replace("SRC", repr(song))
            .replace("PLACES", repr(places))
            .replace("PREPARED", "true" if prepared else "false")
            .replace("PREPARE", wait)
        )
        try:
            return dict(page.evaluate(script))
        finally:
            page.close()

    def peer(kind: str, call: str) -> Any:
        page = browser.context.new_page()
        page.goto(f"{base}/peers/peer.html")
        try:
            return page.evaluate(call.replace("KIND", repr(kind)))
        finally:
            page.close()

    for number in range(scaled(-1, 0), ROUNDS):
        places = [dice.uniform(0.35, 0.95) for _ in range(SEEKS)]
        taken: dict[str, list[float]] = {}
        kinds: list[tuple[str, Callable[[], None]]] = []

        def put(name: str, *values: float, into: dict[str, list[float]] = taken) -> None:
            into.setdefault(name, []).extend(values)

        def one_ours(places: list[float] = places, put: Callable[..., None] = put) -> None:
            cold = ours(False, [])
            warm = ours(True, places)
            put("ours first", cold["first"])
            put("ours prepared", warm["first"])
            put("ours seek", *warm["seeks"])

        kinds.append(("ours", one_ours))
        for kind in PEERS:

            def one_peer(kind: str = kind, places: list[float] = places, put: Callable[..., None] = put) -> None:
                fresh, again = peer(
                    kind, "(async () => { const a = await bench.start(KIND); return [a, await bench.again(KIND)]; })()"
                )
                put(f"{kind} first", fresh)
                put(f"{kind} warm", again)
                put(f"{kind} prepared", peer(kind, "bench.prepared(KIND)"))
                put(f"{kind} seek", *peer(kind, f"bench.seeks(KIND, {places})"))

            kinds.append((kind, one_peer))
        dice.shuffle(kinds)
        for _, measure in kinds:
            measure()
        if number >= 0:
            for name, values in taken.items():
                samples.setdefault(name, []).extend(values)
    return samples


def _figures(samples: dict[str, list[float]], ending: str) -> list[dict[str, Any]]:
    detail = {
        name: {"median": median(v), "p90": round(percentile(v, 0.9), 1), "n": len(v)}
        for name, v in sorted(samples.items())
    }
    what = {
        "first_audio": "from setting src on a new element, engine warm, to sound; the peer's library is loaded before",
        "prepared_play": "play() on an element that is ready",
        "seek": "setting currentTime to a place further on, to sound there; peers' seeks that were buffered are left "
        "out",
    }
    rows = (("first_audio", "first", "shaka"), ("prepared_play", "prepared", "shaka"), ("seek", "seek", "hls"))
    return [
        Figure(
            name + ending,
            median(samples[f"ours {key}"]),
            "ms",
            f"{peer} {key}",
            median(samples[f"{peer} {key}"]),
            "lower",
            {"what": what[name], **detail},
        ).to_json()
        for name, key, peer in rows
    ]
