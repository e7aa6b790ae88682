"""The project's watcher in a simulation.

It holds the server to every receipt of the fans, and must find nothing to punish.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from audit.watch import Watcher, WatchEvent
from chain.contracts.token import Token
from pywallet.crypto import address_of
from pywallet.errors import GomaaError
from tests.simulation.fans import private_key

if TYPE_CHECKING:
    from tests.simulation.world import World

EVERY_S = 10.0
FUNDS = 100 * 10**18


class Watch:
    """Runs the watcher's rounds, with the fans' receipts written to a folder as wallets hand them over."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.key = private_key("watcher")
        self.did: list[WatchEvent] = []

    async def prepare(self) -> None:
        """Get tokens for stakes."""
        world = self._world
        self._folder = world.folder / "receipts"
        self._folder.mkdir()
        await Token(world.chain, world.deployment).transfer(world.platform, address_of(self.key), FUNDS)

    async def run(self) -> None:
        """Watch until cancelled."""
        world = self._world
        watcher = Watcher(
            world.chain,
            world.deployment,
            [self._folder],
            tuple(world.urls.values()),
            self.key,
            say=self.did.append,
            public=True,
        )
        while True:
            await asyncio.sleep(EVERY_S)
            for fan in world.fans:
                receipts = [one.to_json() for one in fan.records.receipts.values()]
                (self._folder / f"{fan.name}.json").write_text(json.dumps(receipts))
            try:
                await watcher.round()
            except GomaaError as error:
                world.say(f"watcher: {error.code}")
