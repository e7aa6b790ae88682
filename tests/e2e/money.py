"""What a friend sends a fan, and what the chain says of it."""

from __future__ import annotations

from chain.client import Chain
from chain.token import Token
from pywallet.hexes import from_hex
from tests.e2e.world import World

GOMAA = 10**18


def fund(world: World, address: str) -> None:
    """Five GoMAA, and enough of the network's coin for fees, as a friend would send them."""

    async def give(chain: Chain) -> None:
        await chain.request("anvil_setBalance", address, hex(GOMAA))
        await Token(chain, world.stack.deployment).transfer(world.stack.anvil.keys[0], from_hex(address), 5 * GOMAA)

    world.stack.ask(give)


def held(world: World, address: str) -> int:
    """GoMAA of an address on the chain, wei."""

    async def read(chain: Chain) -> int:
        return await Token(chain, world.stack.deployment).balance_of(from_hex(address))

    return int(world.stack.ask(read))
