"""First use by a new fan, checked by the texts on the screens."""

from __future__ import annotations

import sqlite3

from eth_account import Account

from chain.client import Chain
from chain.contracts.token import Token
from demo.fan import MAIN, install_host, state_until
from demo.settle import final_epochs
from pywallet.encoding.hex import from_hex
from tests.e2e.world import BrowserWorld, press_play

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"


def test_a_new_fan_earns_in_the_first_song_and_withdraws(world: BrowserWorld) -> None:
    """Wallet, host (detected without a reload), song, reward displayed.

    One press moves it to the wallet's address when its epoch is final.
    """
    page, words = world.fan.make_wallet()
    assert page.exists(".btn.primary.big[disabled]")
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)
    page.wait(".btn.primary.big:not([disabled])")
    page.click(".btn.primary.big")
    radio, player = world.open("first")
    press_play(player)
    state_until(player, "playing")
    page.until("/^\\+0\\.0*[1-9]/.test(document.querySelector('.reward-head .sum')?.textContent ?? '')")
    assert radio.run("!document.querySelector('sps-player').ended"), "the reward shows within the first song"
    player.click(MAIN)
    state_until(player, "paused")
    radio.close()

    address = world.fan.address()

    async def final(chain: Chain) -> None:
        await final_epochs(world.stack, chain, nothing_after_s=(await chain.block()).timestamp)

    world.stack.ask(final)
    world.fan.collect()

    async def paid(chain: Chain) -> None:
        token = Token(chain, world.stack.deployment)

        async def there() -> bool:
            return await token.balance_of(from_hex(address)) > 0

        await chain.until(there)

    world.stack.ask(paid)

    # As on a new computer: only the words, the chain and the server's published data are left.
    with sqlite3.connect(world.home / "gomaa" / "data" / "ledger.sqlite", timeout=10) as db:
        for table in ("receipts", "payees", "sessions", "tickets", "scans", "scan_posts", "candidates"):
            db.execute(f"DELETE FROM {table}")
    popup = world.browser.extension_tab("popup/popup.html")
    popup.click('button[aria-label="Lock"]')
    popup.wait("#password")
    popup.close()
    # A forgotten password is replaced by a restore from the words.
    page = world.browser.extension_tab("onboarding/onboarding.html#restore")
    page.wait(".note.dial")
    page.fill("#words", " ".join(words))
    page.click("form button[type=submit]")
    page.wait("#new-password")
    world.fan.choose_password(page)
    page.close()
    assert world.fan.address() == address
    popup = world.browser.extension_tab("popup/popup.html")
    popup.wait('button[data-key="tab-activity"]')
    popup.click('button[data-key="tab-activity"]')
    popup.until("document.querySelector('main .items .state.settled') !== null")
    popup.click('button[data-key="item-0"]')
    popup.until("document.querySelector('dl.origin') !== null")
    popup.close()


def test_a_wallet_is_restored_from_its_words(world: BrowserWorld) -> None:
    """A misspelt word is identified and corrected with one press.

    The account is the one that any other wallet derives from these words.
    """
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)
    page = world.browser.extension_tab("onboarding/onboarding.html#restore")
    page.fill("#words", WORDS.replace("sausage", "susage"))
    page.click("form button[type=submit]")
    page.wait(".row.tight .btn.small")
    assert page.text(".row.tight .btn.small") == "sausage"
    page.click(".row.tight .btn.small")
    page.wait("#new-password")
    world.fan.choose_password(page)
    Account.enable_unaudited_hdwallet_features()
    assert world.fan.address() == str(Account.from_mnemonic(WORDS).address).lower()
