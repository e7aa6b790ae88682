"""Plays of one fan in a real browser, from an empty profile on.

The tests of one browser depend on one another, in this order.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from chain.client import Chain
from chain.contracts.content import Content
from demo.fan import CLOCK, MAIN, PASSWORD, install_host, state_until
from demo.web import account
from tests.e2e.world import FREE, BrowserWorld, press_play, shows

LIMITED = FREE + "\n[counts.play]\nlimit = 1\n"


@pytest.fixture(autouse=True)
def host(world: BrowserWorld, request: pytest.FixtureRequest) -> None:
    """Install the host for every test but the one of its absence, also where a test runs alone."""
    if "missing_host" not in request.node.name and not list(world.home.rglob("io.gomaa.host.json")):
        install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)


def clock(page: object) -> float:
    """The position in the song that the page reads, seconds."""
    return float(page.run(CLOCK))  # type: ignore[attr-defined]


def owed(world: BrowserWorld) -> int:
    """What the station owes or has paid to this server until now, wei."""
    told = account(world.stack, world.stack.station_key)
    return told["unposted_wei"] + told["unvouchered_wei"] + 10**21 - told["escrow_wei"]


def host_processes(world: BrowserWorld) -> list[int]:
    """The native hosts that this world's browser has started, found by their home."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if b"gomaa-host.py" in command and str(world.home).encode() in environment:
                found.append(int(entry.name))
    return found


def test_a_missing_host_is_reported_with_its_install_command(world: BrowserWorld) -> None:
    """Without the host the player shows the exact command; once installed it is ready without a reload."""
    page, player = world.show("first")
    assert "gomaa host install" in shows(player, "host.missing")
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)
    player.wait('button[data-key="play"]:not([disabled])')
    page.close()


def test_a_fan_without_a_wallet_plays_and_the_artist_is_paid(world: BrowserWorld) -> None:
    """No wallet: the music plays, the fan earns nothing, the station owes the artist."""
    page, player = world.open("first")
    before = owed(world)
    press_play(player)
    state_until(player, "playing")
    page.until(f"{CLOCK} > 6")
    assert "+0.0000" in player.text(".reward") or player.exists(".reward.off")
    player.click(MAIN)
    state_until(player, "paused")
    page.close()
    world.stack.ask(lambda chain: chain.until(lambda: _true_when(owed(world) > before)))


async def _true_when(holds: bool) -> bool:
    return holds


def test_an_altered_segment_never_sounds(world: BrowserWorld) -> None:
    """A flipped bit in the ciphertext is detected by its hash before it is decrypted."""
    world.song("altered")
    path = world.file("altered")
    data = bytearray(path.read_bytes())
    data[-5000] ^= 1
    path.write_bytes(data)
    page, player = world.open("altered")
    press_play(player)
    state_until(player, "playing")
    shows(player, "sps.segment.hash")
    assert clock(page) < 23
    page.close()


def test_a_missing_segment_is_reported(world: BrowserWorld) -> None:
    """A file removed during a play ends in a code, not in silence; a cache may have its start."""
    world.song("vanishing", seconds=60)
    page, player = world.open("vanishing")
    press_play(player)
    state_until(player, "playing")
    world.file("vanishing").unlink()
    shows(player, "sps.segment.missing", "sps.truncated")
    page.close()


def test_a_revoked_song_stops_within_a_segment(world: BrowserWorld) -> None:
    """The artist revokes the song while it plays: it stops within 2 s of music after the block, with the reason."""
    content = world.song("withdrawn")
    page, player = world.open("withdrawn")
    press_play(player)
    state_until(player, "playing")

    async def revoke(chain: Chain) -> None:
        await Content(chain, content).revoke(world.stack.owner_key)

    world.stack.ask(revoke)
    at = clock(page)
    assert "withdrawn" in shows(player, "content.revoked")
    assert clock(page) <= at + 2
    assert player.run("document.getElementById('player').dataset.state") == "refused"
    page.close()


def test_a_play_over_the_limit_is_refused(world: BrowserWorld) -> None:
    """One play allowed: the second press of Play is refused with the rule's code, before anything sounds."""
    world.song("once", LIMITED)
    page, player = world.open("once")
    press_play(player)
    state_until(player, "playing")
    player.click(MAIN)
    state_until(player, "paused")
    page.close()
    page, player = world.open("once")
    press_play(player)
    shows(player, "policy.count.exhausted")
    assert clock(page) == 0
    page.close()


def test_an_expired_song_is_refused(world: BrowserWorld) -> None:
    """A song after the end of its terms doesn't play."""
    world.song("expired", "expires_s = 1000\n" + FREE)
    page, player = world.show("expired")
    player.wait('button[data-key="play"]:not([disabled])')
    press_play(player)
    shows(player, "policy.expired")
    page.close()


def test_a_station_without_escrow_issues_no_ticket(world: BrowserWorld) -> None:
    """A price above the station's escrow: nothing plays, and the message says that nobody would be paid."""
    world.song("dear", FREE.replace('owner = "0.0100"', 'owner = "5000"'))
    page, player = world.open("dear")
    press_play(player)
    shows(player, "station.escrow.short")
    assert clock(page) == 0
    page.close()


@pytest.fixture
def plain_site(world: BrowserWorld, tmp_path: Path):  # type: ignore[no-untyped-def]
    """A web server that is not a station, with a page that embeds any file in its folder."""
    import functools
    import threading
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class ForeignFiles(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(ForeignFiles, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield tmp_path, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_unregistered_site_gets_no_play(world: BrowserWorld, plain_site: tuple[Path, str]) -> None:
    """The same valid file on an unregistered site: nobody would be paid, so nothing plays."""
    folder, url = plain_site
    shutil.copyfile(world.file("first"), folder / "song.sps")
    (folder / "index.html").write_text('<!doctype html><title>x</title><sps-player src="song.sps"></sps-player>')
    page, player = world.fan.open_radio.__func__(_at(world, url))  # type: ignore[attr-defined]
    press_play(player)
    shows(player, "station.unknown")
    page.close()


def _at(world: BrowserWorld, url: str) -> object:
    from dataclasses import replace

    from demo.fan import Fan

    return Fan(world.browser, replace(world.stack, station_url=url))


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("sps.magic", lambda data: b"RIFF" + data[4:]),
        ("sps.truncated", lambda data: data[:600]),
        ("sps.header.signature", lambda data: data.replace(b"Tests", b"Pests", 1)),
    ],
)
def test_a_damaged_header_is_reported_with_its_code(
    world: BrowserWorld, plain_site: tuple[Path, str], code: str, spoil: object
) -> None:
    """Each kind of damage to the header has its own code, and no terms are shown."""
    folder, url = plain_site
    (folder / "song.sps").write_bytes(spoil(world.file("first").read_bytes()))  # type: ignore[operator]
    (folder / "index.html").write_text('<!doctype html><title>x</title><sps-player src="song.sps"></sps-player>')
    page = world.browser.tab(url)
    shows(world.browser.player(page), code)
    page.close()


def test_a_page_reaches_nothing_of_the_player(world: BrowserWorld, plain_site: tuple[Path, str]) -> None:
    """A page can reach no shadow root, no extension API and no frame with a guessed name."""
    page, player = world.open("first")
    assert page.run("document.querySelector('sps-player').shadowRoot") is None
    assert page.run("typeof window.chrome?.runtime?.connect + typeof window.browser") in (
        "undefinedundefined",
        "functionundefined",
    )
    state = page.run(
        "(() => { const e = document.querySelector('sps-player');"
        " for (const d of ['x', '{\"command\":\"claim\"}', '{\"command\":\"__proto__\"}', '[]'])"
        " e.dispatchEvent(new CustomEvent('gomaa:element', {detail: d}));"
        " window.postMessage({type: 'play'}, '*'); window.postMessage({type: 'gomaa.height', height: 1e9}, '*');"
        " return e.paused; })()"
    )
    assert state is True
    assert player.run("document.getElementById('player').dataset.state") == "ready"
    page.close()


def test_a_wallet_is_created_and_rejects_a_wrong_password(world: BrowserWorld) -> None:
    """The fan creates a wallet in the onboarding; a wrong password is reported and leaves it locked."""
    world.fan.create_wallet()
    popup = world.browser.extension_tab("popup/popup.html")
    popup.wait('button[data-key="receive"]')
    popup.click("header button:last-child")
    popup.fill("#password", PASSWORD + "x")
    popup.click("button[type=submit]")
    popup.until(
        "document.body.innerText.includes('wallet.password') || "
        "!!document.querySelector('#password[aria-invalid=true]')"
    )
    assert popup.exists("#password")
    popup.fill("#password", PASSWORD)
    popup.click("button[type=submit]")
    popup.wait('button[data-key="receive"]')
    popup.close()


def test_playback_survives_a_host_kill(world: BrowserWorld) -> None:
    """SIGKILL of the host during playback: another one resumes the play, without a question to the fan."""
    page, player = world.open("first")
    press_play(player)
    state_until(player, "playing")
    hosts = host_processes(world)
    assert hosts
    for pid in hosts:
        os.kill(pid, signal.SIGKILL)
    place = float(page.run(CLOCK))
    page.until(f"{CLOCK} > {place + 6}")
    assert state_until(player, "playing") == "playing"
    assert not set(hosts) & set(host_processes(world))
    player.click(MAIN)
    state_until(player, "paused")
    page.close()


def test_nothing_counts_without_the_server(world: BrowserWorld) -> None:
    """Without the security server no keys come and nothing is counted; it plays again when the server is back."""
    before = owed(world)
    world.stack.server.kill()
    page, player = world.open("first")
    press_play(player)
    shows(player, "server.unreachable")
    assert clock(page) == 0
    page.close()
    world.stack.server.start()
    assert owed(world) == before
    # The play whose host was killed holds the listener's one stream until the server's silence limit ends it.
    world.stack.ask(lambda chain: chain_seconds(chain, 22))
    page, player = world.open("first")
    press_play(player)
    state_until(player, "playing")
    player.click(MAIN)
    state_until(player, "paused")
    page.close()


async def chain_seconds(chain: Chain, seconds: int) -> None:
    """Wait until the chain's own clock has advanced by so many seconds."""
    end = (await chain.block()).timestamp + seconds

    async def over() -> bool:
        return (await chain.block()).timestamp >= end

    await chain.until(over)
