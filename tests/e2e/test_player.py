"""What a player does beyond one song on one page, in real browsers."""

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

from demo.browsers.view import PRESSES
from demo.fan import CLOCK, MAIN, PLAY, install_host, scroll_to_player, state_until
from demo.waiting import DROPPED_S
from tests.e2e.adversary import click_at, middle, state
from tests.e2e.world import World, press_play, shows

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
def host(world: World) -> None:
    """Every test here plays."""
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)


def noise(path: Path, seconds: int) -> Path:
    """Sixteen bits that no codec makes smaller."""
    samples = np.random.default_rng(3).integers(-8000, 8000, (seconds * 44_100, 2)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(samples.tobytes())
    return path


@contextmanager
def slow_line(file: Path, bytes_per_s: int) -> Iterator[str]:
    """A web server that gives one file by ranges, no faster than a line of that speed."""

    class Handler(BaseHTTPRequestHandler):
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
            for name, value in (("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Headers", "Range"), ("Content-Range", span)):
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

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{file.name}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_slow_line_gets_the_smaller_rendition_and_seeks_in_it(world: World) -> None:
    """Lossless over a fast line; over one of 1 Mbit/s the same song plays, seeks and ends as Opus."""
    world.song("bundle", sound=noise(world.folder / "noise.wav", 14), renditions=("opus",), extra=("--no-watermark",))
    page, player = world.open("bundle")
    assert "FLAC 16/44.1" in player.text("#player")
    with slow_line(world.file("bundle"), 120_000) as url:
        other = f"Object.assign(document.createElement('sps-player'), {{ src: {url!r} }})"
        page.run(f"void document.querySelector('sps-player').replaceWith({other})")
        # The old player's frame goes a moment later than its element.
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


def test_a_press_on_a_player_half_in_view_brings_all_of_it_there(world: World) -> None:
    """Nothing starts unseen: the press scrolls to the terms and says so, and the next one plays."""
    page = world.browser.tab(f"{world.stack.station_url}/song/first")
    player = world.browser.player(page)
    state_until(player, "ready")
    page.run("void Object.assign(document.body.style, { paddingTop: '1500px', paddingBottom: '1500px' })")
    box = "document.querySelector('sps-player').getBoundingClientRect()"
    beyond = "top + height / 2 - innerHeight"
    half = f"scrollBy({{ top: {beyond}, behavior: 'instant' }}), Math.abs({beyond}) < 2 && [left, top]"
    # Looked for once: Firefox's driver scrolls to a frame that it enters.
    inner = middle(player, PLAY)
    said = "document.body.innerText.includes('Part of the player was out of view')"
    for _ in range(PRESSES):
        left, top = page.until(f"(({{ left, top, height }}) => ({half}))({box})")
        click_at(page, (left + inner[0], top + inner[1]))
        # Chromium itself drops a press on a frame that has just moved.
        with suppress(TimeoutError):
            player.until(said, DROPPED_S)
            break
    assert (player.run(said), state(player)) == (True, "ready")
    page.until(f"(({{ top, bottom }}) => top >= 0 && bottom <= innerHeight)({box})")
    press_play(player)
    state_until(player, "playing")
    page.close()


def test_long_terms_in_a_low_window_keep_nobody_from_playing(world: World) -> None:
    """All terms opened, the card is higher than the window: what can be seen of it is enough."""
    page = world.browser.tab(f"{world.stack.station_url}/song/first")
    world.browser.resize(1000, 520)
    player = world.browser.player(page)
    state_until(player, "ready")
    player.click(".foot .link")
    player.wait("#terms")
    height = player.run("document.getElementById('player').getBoundingClientRect().height")
    assert 0.75 * height > page.run("innerHeight")
    # Firefox's driver scrolls to a frame that it enters: there only the page is asked from here on, once Play is awake.
    inner = middle(player, PLAY)
    page.run("document.querySelector('sps-player').scrollIntoView({ block: 'start', behavior: 'instant' })")
    if world.browser.name == "chromium":
        press_play(player)
    else:
        page.until(f"performance.now() > {page.run('performance.now()')} + 1000")
        left, top = page.run("(({ left, top }) => [left, top])(document.querySelector('sps-player').getBoundingClientRect())")
        click_at(page, (left + inner[0], top + inner[1]))
        page.until("document.querySelector('sps-player').currentTime > 0.2")
    state_until(player, "playing")
    world.browser.resize(1280, 900)
    page.close()


def test_play_here_takes_the_music_over_from_another_tab(world: World) -> None:
    """One listener, two tabs: the second says where the music is, and one click brings it over."""
    world.song("second", seconds=60)
    # Still on when the other tab is there, however long that takes.
    world.song("long", seconds=LONG_S, extra=("--no-watermark",))
    page, player = world.open("long")
    press_play(player)
    state_until(player, "playing")
    page.until(f"{CLOCK} > 1")
    other, beside = world.open("second")
    press_play(beside)
    shows(beside, "session.busy")
    beside.click(".alert .btn.primary")
    # Until it moves, the old refusal still stands there.
    beside.until("document.getElementById('player').dataset.state === 'playing'")
    assert player.run("document.getElementById('player').dataset.state") == "paused"
    other.until(f"{CLOCK} > 1")
    beside.click(MAIN)
    state_until(beside, "paused")
    for view in (other, page):
        view.close()


def test_a_preview_plays_for_free_and_ends_where_the_terms_say(world: World) -> None:
    """What a listener would pay for is previewed from the same button: it sounds, and stops by itself where the preview ends."""
    world.song("taster", PREVIEW, seconds=60)
    page, player = world.open("taster")
    press_play(player)
    state_until(player, "playing")
    page.until("document.querySelector('sps-player').ended")
    assert 2 < float(page.run(CLOCK)) < 10, "the song has sixty seconds, its preview four"
    page.close()
