"""A song that is a page of its own, from disk and from the web, and a song in parts, in real browsers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from demo.browsers import View
from demo.browsers.chromium import ChromiumView
from demo.browsers.firefox import FirefoxView
from demo.fan import CLOCK, MAIN, PLAY, install_host, state_until
from studio import exploded, selfrender
from tests.e2e.world import World, press_play, shows


@pytest.fixture(autouse=True, scope="module")
def host(world: World) -> None:
    """The native host, installed before the first page."""
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)


def visit(world: World, url: str) -> View:
    """A tab at an address, without waiting for an end of loading: these pages end it themselves."""
    view = world.browser.tab("about:blank")
    if isinstance(view, ChromiumView):
        view.page.goto(url, wait_until="commit")
    else:
        assert isinstance(view, FirefoxView)
        view.marionette.execute_script("location.href = arguments[0]", script_args=[url])
    return view


def hear(page: View, player: View, seconds: float = 3.0) -> None:
    """Play, until so much of the song has sounded; then pause."""
    player.wait(f"{PLAY}:not([disabled])", 60)
    press_play(player)
    state_until(player, "playing")
    page.until(f"{CLOCK} > {seconds}", 40)
    player.click(MAIN)
    state_until(player, "paused")
    page.close()


def test_a_page_from_disk_plays(world: World) -> None:
    """Opened from a folder, the page reads itself, and the station that it names gives the ticket."""
    page_file = world.folder / "disk.sps.html"
    selfrender.write(world.file("first"), page_file, station=world.stack.station_url)
    page = world.browser.tab(page_file.as_uri())
    hear(page, world.browser.player(page), 6.0)


def test_an_altered_page_from_disk_never_sounds(world: World) -> None:
    """A flipped bit in what the page carries is found before anything is opened."""
    page_file = world.folder / "altered.sps.html"
    made = selfrender.write(world.file("first"), page_file, station=world.stack.station_url)
    data = bytearray(page_file.read_bytes())
    data[made.offset + made.song_size - 5000] ^= 4
    page_file.write_bytes(data)
    page = world.browser.tab(page_file.as_uri())
    shows(world.browser.player(page), "sps.segment.hash", timeout_s=40)
    page.close()


def test_a_page_from_the_web_plays_by_ranges(world: World) -> None:
    """At its station the page stops loading after what it shows, and plays by ranges."""
    song = world.file("first")
    selfrender.write(song, song.with_name(song.name + ".html"))
    page = visit(world, f"{world.stack.station_url}/songs/first.sps.html")
    hear(page, world.browser.player(page), 6.0)
