"""Contents that move between security servers while they are played (decision 0036), as ``gomaa move`` does it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import aiohttp

from chain.contracts.content import Content
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError

if TYPE_CHECKING:
    from tests.simulation.world import World

TRIES: Final = 15


class Mover:
    """Bands that leave one security server for the other.

    Attributes:
        accepted: Moves that the new server has accepted.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._session = world.session("band")
        self._tasks: set[asyncio.Task[None]] = set()
        self.accepted = 0

    async def run(self) -> None:
        """Move a content in the first epoch, so that plays of the next one begin at the new server."""
        await asyncio.sleep(self._world.network.dice("mover").random() * 50)
        self.begin()

    def begin(self) -> None:
        """Move a content, beside whatever else happens."""
        world = self._world
        if world.plan.moves:
            content = world.network.dice("mover").choice(sorted(world.songs))
            self._tasks.add(asyncio.create_task(self._move(content)))

    async def end(self) -> None:
        """Wait for moves that are under way."""
        if self._tasks:
            await asyncio.gather(*self._tasks)

    async def _move(self, content: bytes) -> None:
        world, door = self._world, Content(self._world.chain, content)
        try:
            epoch = int(world.now_s()) // world.deployment.schedule.length
            now = await door.server_at(epoch + 1)
            server = next(address for address in world.servers if address != now)
            if await door.proposed_server() != server:
                await door.propose_server(world.owners[content], server)
        except GomaaError as error:
            world.say(f"{to_hex(content)} not proposed: {error.detail.get('reason', error.code)}")
            return
        world.say(f"{to_hex(content)} is to move to {to_hex(server)}")
        for _ in range(TRIES):
            try:
                async with self._session.post(
                    f"{world.urls[server]}/v1/moves", json={"content": to_hex(content)}
                ) as answer:
                    said = await answer.json()
            except aiohttp.ClientError:
                await asyncio.sleep(2)
                continue
            if answer.status == 200:
                self.accepted += 1
                world.say(f"{to_hex(content)} moves to {to_hex(server)} from epoch {said['from_epoch']} on")
                return
            world.say(f"{to_hex(content)} not taken: {said['error']['code']}")
            await asyncio.sleep(2)
