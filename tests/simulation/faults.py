"""Faults of a simulation: processes, connections, the node, the chain, lost databases; and what changes under way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from chain.abi import function
from chain.contracts.content import Content
from chain.contracts.registry import Registry
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from tests.simulation.fans import private_key
from tests.simulation.hosts import HostFan
from tests.simulation.network import Faults
from tests.simulation.servers import SecurityServer

if TYPE_CHECKING:
    from tests.simulation.world import World

LIES: Final = frozenset(
    to_hex(function("Settlement", name).encode(bytes(20), 0)[:4]) for name in ("commitment", "epoch_meta", "final")
)
"""Selectors of the reads about epochs, which a lying node answers with zeros."""


class FaultPlan:
    """Draws one fault after the other."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sold = False
        self._rate = 500

    async def run(self, end_s: float) -> None:
        """Let things fail until a time; then the lines are good again."""
        world = self._world
        world.network.faults = Faults(lost=0.05, doubled=0.05, delay_s=0.3)
        kinds = (
            self.kill_server,
            self.kill_station,
            self.stop_node,
            self.replace_blocks,
            self.limit_node,
            self.lie,
            self.lose_station_books,
            self.change_rate,
            self.sell,
            self.restore_server,
            self.restore_server,
            self.move,
            self.kill_host,
        )
        while world.now_s() < end_s:
            await asyncio.sleep(world.dice.random() * 20)
            await world.dice.choice(kinds)()
        await world.mover.end()
        world.network.faults = Faults()

    async def kill_server(self) -> None:
        """A server's process ends, and comes back within seconds."""
        world = self._world
        server = world.dice.choice(list(world.servers.values()))
        world.say(f"{server.name} killed")
        await server.kill()
        await asyncio.sleep(world.dice.random() * 6)
        await self.start(server)

    async def start(self, server: SecurityServer) -> None:
        """Start it as an operator's supervisor does: again and again."""
        world = self._world
        while True:
            try:
                await server.start()
            except GomaaError as error:
                world.say(f"{server.name} not started: {error.code}")
                await server.kill()
                await asyncio.sleep(1)
            else:
                world.say(f"{server.name} started")
                return

    async def move(self) -> None:
        """A content begins to move to the other server."""
        self._world.mover.begin()

    async def restore_server(self) -> None:
        """The server's database is backed up; at another moment it is lost, and the copy takes its place.

        Nothing else fails before challenges have to be answered: with a database that takes the operator most of that
        time to restore, an outage of the node beside it costs the bond.
        """
        world, operator = self._world, self._world.operator
        before = operator.restored
        await operator.back_up_or_restore()
        if operator.restored > before:
            await self.start(world.server)
            await asyncio.sleep(world.deployment.schedule.answer)

    async def kill_station(self) -> None:
        """The station's process ends, and comes back within seconds."""
        world = self._world
        world.say("station killed")
        await world.station.kill()
        await asyncio.sleep(world.dice.random() * 6)
        await world.station.start()

    async def kill_host(self) -> None:
        """A listener's host ends, and the browser starts it again within seconds."""
        world = self._world
        fan = next(one for one in world.fans if isinstance(one, HostFan))
        world.say(f"the host of {fan.name} is killed")
        await fan.kill()
        await asyncio.sleep(world.dice.random() * 4)
        await fan.start()

    async def lose_station_books(self) -> None:
        """The station's database is gone, or an older copy of it is put back."""
        world = self._world
        backup = world.folder / "station.backup"
        old = world.dice.random() < 0.5
        if old:
            world.station.copy(backup)
            await asyncio.sleep(world.dice.random() * 20)
        world.say(f"the station's database is {'an older copy' if old else 'lost'}")
        await world.station.kill()
        world.station.lose(backup if old else None)
        await world.station.start()

    async def stop_node(self) -> None:
        """The server's node does not answer for seconds."""
        world = self._world
        world.say("the server's node stops")
        world.server_node.stopped = True
        for line in [one for one in world.simulated.connections if one.node is world.server_node]:
            line.disconnect()
        await asyncio.sleep(world.dice.random() * 8)
        world.server_node.stopped = False
        world.say("the server's node is back")

    async def replace_blocks(self) -> None:
        """A reorganisation."""
        depth = self._world.dice.randint(1, 4)
        self._world.say(f"{depth} blocks replaced")
        self._world.simulated.replace(depth)

    async def limit_node(self) -> None:
        """The server's node answers for few blocks of logs at once."""
        world = self._world
        world.say("the server's node limits logs")
        world.server_node.limited = True
        await asyncio.sleep(world.dice.random() * 30)
        world.server_node.limited = False

    async def lie(self) -> None:
        """The server's node says that nothing was posted."""
        world = self._world
        world.say("the server's node lies")

        def zeros(method: str, params: Sequence[Any], result: Any) -> Any:
            lies = method == "eth_call" and str(params[0].get("data", ""))[:10] in LIES
            return "0x" + "0" * (len(result) - 2) if lies else result

        world.server_node.lie = zeros
        await asyncio.sleep(world.dice.random() * 6)
        world.server_node.lie = None

    async def change_rate(self) -> None:
        """The platform announces another commission."""
        world = self._world
        self._rate = world.dice.choice((0, 250, 500, 700, 1_000))
        epoch = int(world.now_s()) // world.deployment.schedule.length
        try:
            await Registry(world.chain, world.deployment).set_rate(world.platform, self._rate, epoch + 2)
            world.say(f"commission {self._rate} from epoch {epoch + 2} on")
        except GomaaError as error:
            world.say(f"commission not changed: {error.detail.get('reason', error.code)}")

    async def sell(self) -> None:
        """A band sells a recording: somebody else earns from the next epoch on."""
        world = self._world
        if self._sold:
            return
        self._sold = True
        buyer = private_key("buyer")
        content = Content(world.chain, max(world.songs))
        try:
            await content.offer_to(world.owner, address_of(buyer), 0)
            await content.accept(buyer, 0, await content.seen())
            world.owners[max(world.songs)] = buyer
            world.say("a recording is sold")
        except GomaaError as error:
            world.say(f"not sold: {error.detail.get('reason', error.code)}")
