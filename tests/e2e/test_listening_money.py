"""A song that its listener pays for, in a real browser.

Consent, deposit, play past the preview, and the sum on the chain.
"""

from __future__ import annotations

import pytest

from chain.client import Chain
from chain.contracts.settlement import Settlement
from demo import web
from demo.fan import MAIN, install_host, state_until
from demo.waiting import wait_until
from pywallet.crypto import address_of
from pywallet.settlement import gross
from pywallet.wallet import mnemonic
from pywallet.wallet.derivation import listener_path
from pywallet.wallet.keyring import Keyring
from tests.e2e.money import fund, held
from tests.e2e.world import BrowserWorld, press_play

EACH, DEPOSIT = 2 * 10**15, 5 * 10**16
PAID = """
permissions = ["preview", "play", "seek"]
preview = "6 seconds"
listener = "any"

[price]
interval_s = 4
owner = "0.0020"
reward = "0"
payer = "listener"
"""


@pytest.fixture(scope="module")
def browser_name() -> str:
    """One browser is enough: what differs between them is tested elsewhere."""
    return "chromium"


def account(world: BrowserWorld, payer: bytes) -> tuple[int, int]:
    """Spent amount and escrow of the listening money on the chain, wei."""

    async def read(chain: Chain) -> tuple[int, int]:
        return await Settlement(chain, world.stack.deployment).account(world.stack.server_address, payer)

    spent, left = world.stack.ask(read)
    return int(spent), int(left)


def key_of(world: BrowserWorld, words: list[str]) -> bytes:
    """The private listener key that the wallet of these words uses at the station."""

    async def derive(_: Chain) -> bytes:
        return Keyring(await mnemonic.seed(" ".join(words))).private_key(listener_path(world.stack.station_address))

    return bytes(world.stack.ask(derive))


def test_a_paid_song_costs_its_price_and_the_rest_is_withdrawn(world: BrowserWorld) -> None:
    """The preview first; past it after deposit and budget.

    The escrow falls by price and commission exactly; the rest is withdrawn to the account.
    """
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)
    words = world.fan.create_wallet()
    key = key_of(world, words)
    payer = address_of(key)
    me = world.fan.address()
    fund(world, me)
    world.song("paid", PAID, 40)
    page, player = world.open("paid")
    assert "preview" in player.text('button[data-key="play"]')
    assert "0.0021" in player.text('[data-key="pay"]')
    press_play(player)
    state_until(player, "ended")

    before = held(world, me)
    popup = world.browser.extension_tab("popup/popup.html")
    popup.click('button[data-key="tab-sites"]')
    popup.wait("#listening")
    popup.fill("#listening", "0.05")
    popup.click('button[data-key="put-in"]')
    popup.wait('button[data-key="put-in-now"]')
    # A deposit links account and listener key on the chain.
    assert "one person" in popup.text("main")
    popup.click('button[data-key="put-in-now"]')
    popup.until("document.querySelector('[data-key=left]')?.title.startsWith('0.05')")
    assert before - held(world, me) == DEPOSIT
    assert account(world, payer) == (0, DEPOSIT)
    popup.fill("#budget", "1")
    popup.click('button[data-key="budget"]')
    popup.click('button[data-key="site"]')
    popup.fill("#budget", "0.04")
    popup.click('button[data-key="budget"]')
    popup.wait('button[data-key="site"]')

    player.until("document.body.textContent.includes('You paid 0.0000 GoMAA')")
    player.click(MAIN)
    state_until(player, "playing")
    # Past the preview's six seconds, three full intervals.
    page.until("document.querySelector('sps-player').currentTime >= 13.5")
    player.click(MAIN)
    state_until(player, "paused")
    popup.until("parseFloat(document.querySelector('[data-key=spent]')?.title) >= 0.0063")

    def posted() -> bool:
        # Intervals in two epochs are posted one after the other.
        told = web.account(world.stack, key)
        return account(world, payer)[0] >= gross(3 * EACH, 500) and told["unvouchered_wei"] == told["unposted_wei"] == 0

    wait_until(posted, "everything heard is posted")
    spent, left = account(world, payer)
    assert spent >= gross(3 * EACH, 500)
    assert (spent % gross(EACH, 500), spent + left) == (0, DEPOSIT)
    shown = popup.run("document.querySelector('[data-key=spent]').title")
    assert shown == f"{spent / 10**18:.4f} GoMAA"

    popup.click('button[data-key="take-back"]')
    popup.wait('button[data-key="withdraw"]')
    assert held(world, me) == before - DEPOSIT
    popup.click('button[data-key="withdraw"]')
    popup.until("document.querySelector('#listening') && !document.querySelector('[data-key=withdraw]')")
    assert account(world, payer) == (spent, 0)
    assert held(world, me) == before - spent
