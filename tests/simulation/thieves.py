"""Attackers of an honest bond.

They challenge every receipt that fans hold, in bursts, and slash where the chain allows it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from chain.contracts.token import Token
from pywallet.errors import GomaaError
from pywallet.protocol import Receipt, Signed
from tests.simulation.fans import private_key

if TYPE_CHECKING:
    from tests.simulation.world import World

MOST: Final = 12
"""Challenges in one burst."""
FUNDS: Final = 200 * 10**18


class Challenger:
    """An account that challenges with receipts which colluding fans hand over."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.key = private_key("thief")
        self._used: set[tuple[bytes, int, bytes, int]] = set()
        self.challenged = 0

    async def prepare(self) -> None:
        """Get tokens for stakes."""
        from pywallet.crypto import address_of

        world = self._world
        token = Token(world.chain, world.deployment)
        await token.transfer(world.platform, address_of(self.key), FUNDS)
        await token.approve(self.key, world.deployment.settlement, 10**30)

    async def run(self) -> None:
        """Challenge as soon as the contract allows it, slash as soon as it would."""
        while True:
            await asyncio.sleep(3)
            await self._burst()

    async def _burst(self) -> None:
        world = self._world
        schedule, now_s = world.deployment.schedule, world.now_s()
        found: list[tuple[tuple[bytes, int, bytes, int], Signed[Receipt]]] = []
        for fan in world.fans:
            found += [(key, one) for key, one in fan.records.seen.items() if key not in self._used]
        due = [
            (key, one)
            for key, one in sorted(found, key=lambda item: item[0])
            if schedule.ends(key[1]) + schedule.grace < now_s
        ]
        if not due or world.network.dice("thief").random() < 0.5:
            return
        await asyncio.gather(*(self._attack(key, one) for key, one in due[:MOST]))

    async def _attack(self, key: tuple[bytes, int, bytes, int], receipt: Signed[Receipt]) -> None:
        self._used.add(key)
        world = self._world
        try:
            await world.settlement.challenge(self.key, receipt)
        except GomaaError:
            return
        self.challenged += 1
        server, epoch, payee, amount = key
        await asyncio.sleep(world.deployment.schedule.answer + 1)
        for _ in range(3):
            try:
                await world.settlement.slash(self.key, server, epoch, payee, amount)
            except GomaaError:
                await asyncio.sleep(1)
            else:
                world.say(f"slashed for epoch {epoch}, {amount} wei")
                return

    async def gain(self) -> int:
        """Wei that it has now beyond what it had."""
        from pywallet.crypto import address_of

        world = self._world
        return await Token(world.chain, world.deployment).balance_of(address_of(self.key)) - FUNDS
