"""Functions of the player beyond one song on one page, in real browsers."""

from __future__ import annotations

import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from demo.fan import CLOCK, MAIN, install_host, scroll_to_player, state_until
from tests.e2e.world import BrowserWorld, press_play, shows

LONG_S = 300
PREVIEW = """
permissions = ["preview", "play"]
preview = "4 seconds"
[price]
interval_s = 5
owner = "0.02"
reward = "0"
payer = "listener"
"""


@pytest.fixture(autouse=True)
def host(world: BrowserWorld) -> None:
    """Install the host, which every test here needs."""
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)


def noise(path: Path, seconds: int) -> Path:
    """Sixteen-bit noise, which no codec compresses."""
    samples = np.random.default_rng(3).integers(-8000, 8000, (seconds * 44_100, 2)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(samples.tobytes())
    return path


@contextmanager
def slow_line(file: Path, bytes_per_s: int) -> Iterator[str]:
    """A web server that serves one file by ranges at a limited rate."""

    class SlowRangeHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_OPTIONS(self) -> None:
            self.answer(204, b"")

        def do_GET(self) -> None:
            first, last = (self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")
            data = file.read_bytes()
            part = data[int(first) : int(last) + 1 if last else None]
            self.answer(206, part, f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}")

        def answer(self, status: int, body: bytes, span: str = "") -> None:
            self.send_response(status)
            for name, value in (
                ("Access-Control-Allow-Origin", "*"),
                ("Access-Control-Allow-Headers", "Range"),
                ("Content-Range", span),
            ):
                if value:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):
                for at in range(0, len(body), bytes_per_s // 20):
                    self.wfile.write(body[at : at + bytes_per_s // 20])
                    time.sleep(0.05)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowRangeHandler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{file.name}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_slow_line_selects_the_smaller_rendition(world: BrowserWorld) -> None:
    """Lossless over a fast line; over one of 1 Mbit/s the same song plays, seeks and ends as Opus."""
    world.song("bundle", sound=noise(world.folder / "noise.wav", 14), renditions=("opus",), extra=("--no-watermark",))
    page, player = world.open("bundle")
    assert "FLAC 16/44.1" in player.text("#player")
    with slow_line(world.file("bundle"), 120_000) as url:
        other = f"Object.assign(document.createElement('sps-player'), {{ src: {url!r} }})"
        page.run(f"void document.querySelector('sps-player').replaceWith({other})")
        # The old player's frame is removed a moment after its element.
        page.until("document.querySelector('sps-player').duration > 0")
        player = world.browser.player(page)
        player.until("document.getElementById('player').innerText.includes('OPUS')")
        scroll_to_player(page)
        press_play(player)
        state_until(player, "playing")
        page.until(f"{CLOCK} > 2")
        page.run("void (document.querySelector('sps-player').currentTime = 9)")
        page.until(f"{CLOCK} > 10.5 && {CLOCK} < 14.2")
        page.until("document.querySelector('sps-player').ended")
    page.close()


def test_playback_moves_from_another_tab_through_a_window(world: BrowserWorld) -> None:
    """One listener, two tabs: the second shows where the music plays.

    It opens the extension's window, in which one press moves playback over.
    """
    world.song("second", seconds=60)
    # Still playing when the other tab is open, however long that takes.
    world.song("long", seconds=LONG_S, extra=("--no-watermark",))
    page, player = world.open("long")
    press_play(player)
    state_until(player, "playing")
    page.until(f"{CLOCK} > 1")
    other, beside = world.open("second")
    press_play(beside)
    shows(beside, "session.busy")
    beside.click(".alert .btn.primary")
    window = world.browser.window("popup/popup.html")
    window.click('#decide button[data-key="takeover"]')
    # Until playback moves, the earlier refusal is still shown.
    beside.until("document.getElementById('player').dataset.state === 'playing'")
    assert player.run("document.getElementById('player').dataset.state") == "paused"
    other.until(f"{CLOCK} > 1")
    beside.click(MAIN)
    state_until(beside, "paused")
    for view in (window, other, page):
        view.close()


def test_a_preview_plays_for_free_and_ends_where_the_terms_say(world: BrowserWorld) -> None:
    """A song that a listener pays for is previewed with the same button.

    It sounds, and stops by itself where the preview ends.
    """
    world.song("taster", PREVIEW, seconds=60)
    page, player = world.open("taster")
    press_play(player)
    state_until(player, "playing")
    page.until("document.querySelector('sps-player').ended")
    assert 2 < float(page.run(CLOCK)) < 10, "the song has sixty seconds, its preview four"
    page.close()
