"""Tokens at a payee, in a real browser.

One press collects the reward and other tokens there, without any coin of the fan.
"""

from __future__ import annotations

from pathlib import Path

from chain.client import Chain
from chain.contracts.token import Token
from demo import proof, settle
from demo.__main__ import POLICY, sample
from demo.browsers import launch
from demo.fan import Fan, install_host
from demo.headless import EPOCH_S
from demo.stack import running
from pywallet.encoding.hex import from_hex

LEFT = 10**15 + 7


def test_one_press_collects_rewards_and_tokens_at_the_payee(packed: None, tmp_path: Path) -> None:
    """Tokens sent to the payee are counted in the popup, and arrive with the reward to the wei."""
    home = tmp_path / "home"
    home.mkdir()
    with running(tmp_path / "stack", [sample()], POLICY, epoch_s=EPOCH_S, say=print) as stack:
        install_host(home, stack.folder / "deployment.json", "chromium")
        with launch("chromium", home) as driven:
            fan = Fan(driven, stack, None)
            fan.create_wallet()
            address = fan.address()
            page, player = fan.open_radio()
            fan.listen(page, player, 6)

            async def leave(chain: Chain) -> tuple[int, bytes]:
                await settle.final_epochs(stack, chain, nothing_after_s=(await chain.block()).timestamp)
                posted = await proof.epochs(stack, chain)
                # A play may extend into the next epoch.
                paid = [row for one in posted for row in one.data.payees if row.payee != stack.owner_address]
                await Token(chain, stack.deployment).transfer(stack.anvil.keys[0], paid[0].payee, LEFT)
                return sum(row.amount for row in paid), paid[0].payee

            reward, payee = stack.ask(leave)
            popup = driven.extension_tab("popup/popup.html")
            popup.until("document.body.innerText.includes('private addresses')")
            popup.click('button[data-key="once"]')
            popup.click('button[data-key="claim"]')
            popup.wait(".note.good[role=status]")

            async def held(chain: Chain) -> list[int]:
                token = Token(chain, stack.deployment)
                coins = int(await chain.request("eth_getBalance", address, "latest"), 16)
                return [await token.balance_of(from_hex(address, 20)), await token.balance_of(payee), coins]

            assert stack.ask(held) == [reward + LEFT, 0, 0]
            popup.until("!document.body.innerText.includes('private addresses')")
