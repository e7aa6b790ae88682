"""Transfers to a fan from outside, and balances on the chain."""

from __future__ import annotations

import pytest

from chain.client import Chain
from chain.contracts.token import Token
from demo.fan import install_host
from pywallet.encoding.hex import from_hex
from tests.e2e.world import BrowserWorld

GOMAA = 10**18
FRIEND = "0x" + "77" * 20


def fund(world: BrowserWorld, address: str) -> None:
    """Transfer five GoMAA and enough of the network's coin for fees."""

    async def give(chain: Chain) -> None:
        await chain.request("anvil_setBalance", address, hex(GOMAA))
        await Token(chain, world.stack.deployment).transfer(world.stack.anvil.keys[0], from_hex(address), 5 * GOMAA)

    world.stack.ask(give)


def held(world: BrowserWorld, address: str) -> int:
    """Return the GoMAA of an address on the chain, wei."""

    async def read(chain: Chain) -> int:
        return await Token(chain, world.stack.deployment).balance_of(from_hex(address))

    return int(world.stack.ask(read))


@pytest.fixture(scope="module")
def wallet(world: BrowserWorld) -> None:
    """Install the host and open a wallet with five GoMAA."""
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)
    world.fan.create_wallet()
    fund(world, world.fan.address())
