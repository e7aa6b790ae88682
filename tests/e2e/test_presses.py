"""Clicks and their meaning: nested frames, windows that a click opens, and players moved in the page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from demo.browsers import View
from demo.fan import CLOCK, MAIN, PLAY, install_host, state_until
from demo.waiting import wait_until
from tests.e2e.adversary import BAD, PLAYER, SCRIPTS, HostileSite, click_at, hostile_site, shows_button
from tests.e2e.adversary_looks import PAID, allowances, settings
from tests.e2e.world import BrowserWorld, press_play

LONG_S = 300
ARMED = f"{PLAY}:not([disabled])"
COPY = "getSelection().selectAllChildren(document.getElementById('all')); document.execCommand('copy')"
NEED = "document.querySelector('[data-key=pay]')?.textContent ?? ''"


@pytest.fixture(scope="module")
def site(world: BrowserWorld) -> Iterator[HostileSite]:
    """A site that is not a station and has a free song and one that costs.

    The host is installed, and there is an open wallet.
    """
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)
    world.fan.create_wallet()
    world.song("dear", PAID, 40)
    folder = world.folder / "hostile"
    folder.mkdir()
    shutil.copyfile(world.file("first"), folder / "song.sps")
    shutil.copyfile(world.file("dear"), folder / "dear.sps")
    with hostile_site(folder) as site:
        yield site


def run_script(page: View, text: str) -> None:
    """Run a script in the page's world."""
    page.run(f"void document.body.append(Object.assign(document.createElement('script'), {{ textContent: {text!r} }}))")


def test_a_moved_copied_or_adopted_player_stays_one_player(world: BrowserWorld, site: HostileSite) -> None:
    """Removed and put back, cloned, adopted by other documents and back, given another song and the old one.

    It is one player that works, and its key is given to no document.
    """
    listen = "window.heard = []; addEventListener('message', ({ data }) => heard.push(data));"
    page = world.browser.tab(site.page("moved", PLAYER, before=listen))
    world.browser.player(page).wait(ARMED)
    run_script(page, (SCRIPTS / "move.js").read_text())
    page.until("document.defaultView.moved")
    assert page.run("document.defaultView.heard.length") == 0
    assert page.run("document.querySelectorAll('sps-player').length") == 1
    wait_until(lambda: shows_button(world.browser, page, ARMED), "the player is there again")
    player = world.browser.player(page)
    player.click(PLAY)
    state_until(player, BAD)
    page.close()


def test_a_copy_around_a_player_contains_no_frame_address(world: BrowserWorld, site: HostileSite) -> None:
    """The frame's address differs in each Firefox, and the page reads what a user pastes into it."""
    body = (
        f'<div id="all"><p>before</p>{PLAYER}<p>after</p></div><button id="copy" onclick="{COPY}">c</button><p '
        f'id="in" contenteditable>x'
    )
    keep = (
        "addEventListener('paste', ({ clipboardData: all }) => { window.pasted = all.types.map((type) => "
        "all.getData(type)).join(); })"
    )
    page = world.browser.tab(
        site.page("copied", body, before=keep, head="<style>* { user-select: all !important }</style>")
    )
    world.browser.player(page).wait(ARMED)
    page.click("#copy")
    page.press("#in", "Control+v")
    pasted = str(page.until("document.defaultView.pasted"))
    assert "before" in pasted
    assert "after" in pasted
    assert "-extension:" not in pasted
    assert "iframe" not in pasted
    page.close()


def test_a_framed_player_gets_no_permission(world: BrowserWorld, site: HostileSite) -> None:
    """A song that costs opens its own page where a page of another origin contains it.

    The permission is for that page, directly or inside the site's own outermost document.
    """
    with hostile_site(site.folder) as other:
        inner = site.page("inner", '<sps-player src="/dear.sps"></sps-player>')
        between = other.page("between", f'<iframe id="in" src="{inner}" width=700 height=600></iframe>')
        outer = site.page("outer", f'<iframe id="in" src="{between}" width=800 height=700></iframe>')
        alone = site.page("alone", f'<iframe id="in" src="{inner}" width=700 height=600></iframe>')
        for address, framed in ((between, True), (outer, True), (alone, False), (inner, False)):
            page = world.browser.tab(address)
            player = world.browser.player(page)
            player.until(f"({NEED}).length > 40")
            assert ("own page in a tab" in str(player.run(NEED))) == framed, address
            assert player.exists("[data-key=pay-open]") != framed, address
            page.close()
    assert allowances(world) == ([], 0)


def test_a_window_opened_by_a_click_accepts_nothing_at_once(world: BrowserWorld, site: HostileSite) -> None:
    """The button for what is missing opens a window whose buttons are inactive when it appears or reappears.

    It asks only about pressed songs; no setting has changed.
    """
    before = settings(world)
    page, player = world.open("dear")
    popup = world.browser.extension_tab("popup/popup.html")
    popup.wait("main")
    # Showing a page is not a request for approval.
    assert not popup.exists("#decide:not([hidden])")
    assert popup.run("(dispatchEvent(new Event('focus')), document.getElementById('popup').inert)") is False
    player.click("[data-key=pay-open]")
    popup.wait("#decide button[data-key=cost-sites]")
    popup.close()
    window = world.browser.window("popup/popup.html")
    window.wait("#decide button[data-key=cost-sites]")
    asleep = "[document.getElementById('popup').inert, document.querySelector('#decide button').disabled]"
    for name in ("focus", "blur", "resize"):
        window.until(f"!{asleep}.includes(true)")
        assert window.run(f"(dispatchEvent(new Event('{name}')), {asleep})") == [True, True], name
    window.click("#decide button[data-key=cost-sites]")
    window.wait("#budget")
    window.close()
    page.close()
    assert settings(world) == before
    assert allowances(world) == ([], 0)


def test_a_script_opens_no_approval(world: BrowserWorld, site: HostileSite) -> None:
    """Playback that a script requests while another tab plays opens no approval.

    The extension asks only after a click in that player.
    """
    # Still playing when the other tab is open, however long that takes.
    world.song("long", seconds=LONG_S, extra=("--no-watermark",))
    page, player = world.open("long")
    press_play(player)
    state_until(player, "playing")
    page.until(f"{CLOCK} > 1")
    other, beside = world.open("first")
    click_at(other, (5, 5))
    other.run("void document.querySelector('sps-player').play().catch(() => {})")
    beside.until("document.getElementById('player').dataset.code === 'session.busy'")
    popup = world.browser.extension_tab("popup/popup.html")
    # The host's answer comes after what waits.
    popup.wait("header .chip")
    assert not popup.exists("#decide [data-key=takeover]")
    beside.click(".alert .btn.primary")
    popup.wait("#decide [data-key=takeover]")
    popup.close()
    window = world.browser.window("popup/popup.html")
    window.click("#decide [data-key=takeover]")
    beside.until("document.getElementById('player').dataset.state === 'playing'")
    assert player.run("document.getElementById('player').dataset.state") == "paused"
    beside.click(MAIN)
    state_until(beside, "paused")
    for view in (window, other, page):
        view.close()
