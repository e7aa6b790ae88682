"""The wallet in real browsers: transfers on a real chain, and a site that is paused."""

from __future__ import annotations

import sqlite3

import pytest

from demo.fan import CLOCK, MAIN, PASSWORD, state_until
from tests.e2e.money import FRIEND, GOMAA, held
from tests.e2e.world import BrowserWorld, goes_on, press_play, shows

pytestmark = pytest.mark.usefixtures("wallet")


def test_tokens_are_sent_as_confirmed(world: BrowserWorld) -> None:
    """An amount above the balance is refused before anything is signed.

    A confirmed amount arrives to the wei, and its entry goes from pending to on chain.
    """
    popup = world.browser.extension_tab("popup/popup.html")
    popup.wait('button[data-key="send"]:not([disabled])')
    popup.click('button[data-key="send"]')
    popup.fill("#to", FRIEND)
    popup.fill("#amount", "5.000000000000000001")
    popup.click('button[data-key="submit"]')
    popup.wait("#amount[aria-invalid=true]")
    popup.fill("#amount", "1.000000000000000001")
    popup.click('button[data-key="submit"]')
    popup.wait('button[data-key="confirm"]')
    assert "1.000000000000000001" in popup.text("main")
    assert held(world, FRIEND) == 0
    popup.click('button[data-key="confirm"]')
    popup.wait('button[data-key="item-0"]')
    popup.until("document.querySelector('[data-key=item-0] .state.settled') !== null")
    assert held(world, FRIEND) == GOMAA + 1
    popup.close()


def test_a_paused_site_plays_nothing_until_it_is_resumed(world: BrowserWorld) -> None:
    """The first play adds the site; paused in the popup the music stops at once and play is refused.

    Permitted again it plays.
    """
    page, player = world.open("first")
    press_play(player)
    state_until(player, "playing")
    popup = world.browser.extension_tab("popup/popup.html")
    popup.click('button[data-key="tab-sites"]')
    popup.click('button[data-key="site"]')
    popup.click('button[data-key="pause"]')
    state_until(player, "paused")
    player.click(MAIN)
    shows(player, "site.paused")
    popup.click('button[data-key="site"]')
    popup.click('button[data-key="allow"]')
    popup.wait('button[data-key="site"]')

    # The refusal of the earlier click may come after the first one was dismissed.
    ready = "document.querySelector('button[data-key=play]:not([disabled])') !== null"
    while player.until(f"document.querySelector('.alert') ? 'refused' : {ready} && 'ready'") != "ready":
        player.click(".alert .btn:not(.primary)")
        player.until("document.querySelector('.alert') === null")
    press_play(player)
    state_until(player, "playing")
    for view in (popup, page):
        view.close()


def test_points_buy_a_pass_that_the_station_honours(world: BrowserWorld) -> None:
    """A song played, vouchered, and another play started.

    There are points, an ad-free pass is bought and used, and the pages have no advertising.
    """
    page, player = world.open("first")
    assert "Hartley" in page.text("main")
    press_play(player)
    page.until(f"{CLOCK} >= 10")
    player.click(MAIN)
    state_until(player, "paused")
    page.close()
    page, player = world.open("first")
    press_play(player)
    state_until(player, "playing")
    popup = world.browser.extension_tab("popup/popup.html")
    popup.click('button[data-key="tab-sites"]')
    popup.click('button[data-key="site"]')
    popup.wait('button[data-key="get-quiet"]')
    popup.until("Number(document.querySelector('[data-key=points-left]').textContent) >= 3")
    popup.click('button[data-key="get-quiet"]')
    popup.click('button[data-key^="use-"]')
    popup.until("document.querySelector('[data-key=points] button[data-key^=use-]') === null")
    free = world.browser.tab(f"{world.stack.station_url}/song/first")
    free.until("!document.querySelector('main').textContent.includes('Hartley')")
    for view in (free, popup, page):
        view.close()


def test_a_locked_wallet_still_earns(world: BrowserWorld) -> None:
    """Locked in the middle of a song: playback continues and is counted, for the same reward.

    The password unlocks the wallet again.
    """
    page, player = world.open("first")
    press_play(player)
    state_until(player, "playing")
    popup = world.browser.extension_tab("popup/popup.html")
    popup.click('button[aria-label="Lock"]')
    popup.wait("#password")
    goes_on(page, player, world.home, 6)
    with sqlite3.connect(world.home / "gomaa" / "data" / "ledger.sqlite") as db:
        ((reward,),) = db.execute(
            "SELECT t.reward_wei FROM invocations i JOIN tickets t ON t.id = i.ticket ORDER BY i.time_ms DESC LIMIT 1"
        )
    assert int(reward) > 0
    popup.fill("#password", PASSWORD)
    popup.click("form button[type=submit]")
    popup.wait('button[data-key="tab-sites"]')
    for view in (popup, page):
        view.close()
