"""Self-rendering songs, from disk and from the web, and songs in parts, in real browsers."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest

from demo.browsers import View
from demo.browsers.chromium import ChromiumView
from demo.browsers.firefox import Firefox, FirefoxView
from demo.fan import CLOCK, MAIN, PLAY, install_host, state_until
from demo.paths import program
from demo.settle import answers
from demo.stack import gomaa
from demo.waiting import TIMEOUT_S, wait_until
from studio import exploded, selfrender
from tests.e2e.world import FREE, BrowserWorld, press_play, shows, tone


@pytest.fixture(autouse=True, scope="module")
def host(world: BrowserWorld) -> None:
    """The native host, installed before the first page."""
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)


def visit(world: BrowserWorld, url: str) -> View:
    """Open a tab at an address without waiting for the load to end: these pages stop it themselves."""
    view = world.browser.tab("about:blank")
    if isinstance(view, ChromiumView):
        view.page.goto(url, wait_until="commit")
    else:
        assert isinstance(view, FirefoxView)
        view.marionette.execute_script("location.href = arguments[0]", script_args=[url])
    return view


def hear(page: View, player: View, seconds: float = 3.0) -> None:
    """Play until so much of the song has sounded; then pause."""
    player.wait(f"{PLAY}:not([disabled])")
    press_play(player)
    state_until(player, "playing")
    page.until(f"{CLOCK} > {seconds}")
    player.click(MAIN)
    state_until(player, "paused")
    page.close()


GRANT = """
const [done] = arguments;
const id = "gomaa@gomaa.example";
const { ExtensionPermissions } = ChromeUtils.importESModule("resource://gre/modules/ExtensionPermissions.sys.mjs");
const perms = { permissions: ["internal:fileSchemeAllowed"], origins: [] };
ExtensionPermissions.add(id, perms, WebExtensionPolicy.getByID(id).extension).then(() => done(null), (e) => done(String(e)));
"""  # noqa: E501
"""What the switch for local files at about:addons does."""


def without_extension(url: str, home: Path) -> str:
    """Return Chromium's final document in a profile without any extension."""
    command = [
        program("chromium"),
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={home}",
        "--dump-dom",
        url,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True).stdout


def test_a_page_from_disk_shows_how_to_play_it(world: BrowserWorld) -> None:
    """Cover, title and terms are displayed, and how to install.

    With the extension, it names the setting that lets the extension read files.
    """
    page_file = world.folder / "alone.sps.html"
    selfrender.write(world.file("first"), page_file, station=world.stack.station_url)
    if world.browser.name == "chromium":
        text = without_extension(page_file.as_uri(), world.folder / "bare")
        assert 'data-place="disk"' in text
        assert 'data-browser="chromium"' in text
        assert "Allow access to file URLs" in text
        assert "src=" not in text.split("<sps-player")[1].split(">")[0]
        return
    page = world.browser.tab(page_file.as_uri())
    page.wait(".en .disk.firefox")
    assert "local files on your computer" in page.text(".en .disk.firefox")
    assert "gomaa host install" in page.text(".card.en")
    assert "Play, pause" in page.text("section.en")
    assert page.run("document.images[0].naturalWidth > 0")
    assert page.run("getComputedStyle(document.querySelector('.zh')).display") == "none"
    page.close()


@pytest.fixture
def reach(world: BrowserWorld) -> None:
    """Permit the extension to run on pages from disk.

    Chromium permits it to an extension loaded from a folder.
    """
    if world.browser.name == "firefox":
        assert isinstance(world.browser, Firefox)
        with world.browser.marionette.using_context("chrome"):
            assert world.browser.marionette.execute_async_script(GRANT) is None


@pytest.mark.usefixtures("reach")
def test_a_page_from_disk_plays(world: BrowserWorld) -> None:
    """Opened from a folder, the page reads itself, and the station that it names issues the ticket."""
    page_file = world.folder / "disk.sps.html"
    selfrender.write(world.file("first"), page_file, station=world.stack.station_url)
    page = world.browser.tab(page_file.as_uri())
    hear(page, world.browser.player(page), 6.0)


@pytest.mark.usefixtures("reach")
def test_an_altered_page_from_disk_never_sounds(world: BrowserWorld) -> None:
    """A flipped bit in the page's data is detected before anything is decrypted."""
    page_file = world.folder / "altered.sps.html"
    made = selfrender.write(world.file("first"), page_file, station=world.stack.station_url)
    data = bytearray(page_file.read_bytes())
    data[made.offset + made.song_size - 5000] ^= 4
    page_file.write_bytes(data)
    page = world.browser.tab(page_file.as_uri())
    shows(world.browser.player(page), "sps.segment.hash")
    page.close()


def test_a_page_from_the_web_plays_by_ranges(world: BrowserWorld) -> None:
    """At its station the page stops loading after its visible part, and plays by ranges."""
    song = world.file("first")
    selfrender.write(song, song.with_name(song.name + ".html"))
    page = visit(world, f"{world.stack.station_url}/songs/first.sps.html")
    hear(page, world.browser.player(page), 6.0)


class Silent(StreamRequestHandler):
    """A server that accepts requests and never answers."""

    def handle(self) -> None:
        """Wait until the client closes the connection."""
        while self.request.recv(4096):
            pass


@pytest.fixture
def places(tmp_path: Path) -> Iterator[list[str]]:
    """Addresses of three mirrors: no server, a silent server, a working one that serves ``tmp_path``."""
    with socket.socket() as nobody, ThreadingTCPServer(("127.0.0.1", 0), Silent) as silent:
        nobody.bind(("127.0.0.1", 0))
        silent.daemon_threads = True
        handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as well:
            for server in (silent, well):
                Thread(target=server.serve_forever, daemon=True).start()
            yield [
                f"http://127.0.0.1:{at}/parts/"
                for at in (nobody.getsockname()[1], silent.server_address[1], well.server_address[1])
            ]
            for server in (silent, well):
                server.shutdown()


def test_a_song_in_parts_plays_from_the_only_working_mirror(
    world: BrowserWorld, places: list[str], tmp_path: Path
) -> None:
    """The station has only the header.

    Of the three mirrors that it names one is down and one silent: the music comes from the third.
    """
    stack = world.stack
    stack_options = ["--key", str(stack.folder / "owner.key"), "--deployment", str(stack.folder / "deployment.json")]
    song = tmp_path / "parted.sps"
    policy = world.folder / "parted.toml"
    policy.write_text(FREE)
    delivery = [word for url in places for word in ("--delivery", url)]
    recording = tone(tmp_path / "parted.wav", 24, 500)
    gomaa("convert", recording, "-o", song, "--policy", policy, *stack_options, "--server", stack.server_url, *delivery)
    gomaa("publish", song, *stack_options)
    exploded.write(song, tmp_path / "parts")
    (stack.folder / "songs" / "parted.sps").write_bytes((tmp_path / "parts" / exploded.HEADER).read_bytes())
    page, player = wait_for_song(world, "parted")
    hear(page, player, 8.0)


def wait_for_song(world: BrowserWorld, name: str) -> tuple[View, View]:
    """Return the song's page, once the station has found it."""
    wait_until(lambda: answers(f"{world.stack.station_url}/song/{name}"), f"the station has {name}")
    return world.show(name)
