"""One simulated world.

A chain, a security server, a station, fans, and whoever attacks them, all drawn from one seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import audit.sources as audit_sources
import chain.connection as chain_connection
import chain.transport as chain_transport
import security_server.api.peers as server_peers
from chain.client import Chain
from chain.contracts.content import Content
from chain.contracts.registry import Registry
from chain.contracts.settlement import Settlement
from chain.contracts.token import Token
from chain.deploy import deploy
from chain.deployment import Deployment
from pywallet.crypto import address_of, keccak256
from pywallet.encoding.hex import to_hex
from pywallet.settlement import Schedule
from pywallet.sps.container import MAGIC
from security_server.config import Keys
from station.config import StationConfig
from tests.integration.server_songs import SEGMENTS, make_song, terms
from tests.simulation.fans import Fan, private_key
from tests.simulation.farmers import Farmer
from tests.simulation.faults import FaultPlan
from tests.simulation.hosts import HostFan, connector
from tests.simulation.moving import Mover
from tests.simulation.network import Faults, Network, Session
from tests.simulation.node import URL, Node, NodeConnection
from tests.simulation.restoring import Operator
from tests.simulation.servers import RadioStation, SecurityServer
from tests.simulation.simulated_chain import SimulatedChain
from tests.simulation.thieves import Challenger
from tests.simulation.virtual import PROCESS, VirtualLoop
from tests.simulation.watching import Watch

SCHEDULE: Final = Schedule(60, 5, 15, 15, 3_600, 75)
BPS: Final = 500
TOKENS: Final = 10**18
SERVER_URL: Final = "http://security-server.simulated"
SECOND_URL: Final = "http://second-server.simulated"
INTERVAL_S: Final = 2
PACE: Final = {"escrow_age_s": 1.0, "content_age_s": 5.0, "close_every_s": 3.0}
"""Settings of the servers in seconds, for the short schedule."""


@dataclass(frozen=True)
class Plan:
    """Plan of one seed.

    Attributes:
        seed: Draws everything else.
        epochs: Epochs with traffic and faults.
        fans: Honest listeners. The first has the product's host; the last names the band's address as payee in half of
            its sessions.
        farmers: Listeners with patched hosts.
        faults: True if processes, lines and the chain fail.

    Every third seed has two security servers, between which contents move.
    """

    seed: int
    epochs: int = 2
    fans: int = 2
    farmers: int = 1
    faults: bool = True

    @property
    def moves(self) -> bool:
        """Return whether there is a second security server."""
        return self.seed % 3 == 0


class World:
    """See module. Made by ``world``."""

    def __init__(self, plan: Plan, loop: VirtualLoop, folder: Path) -> None:
        self.plan, self.loop, self.folder = plan, loop, folder
        self.bond, self.interval_s, self.url = 1000 * TOKENS, INTERVAL_S, SERVER_URL
        self.dice = random.Random(f"{plan.seed} world")
        self.simulated = SimulatedChain(plan.seed)
        self.node, self.server_node = Node(self.simulated), Node(self.simulated)
        self.network = Network(plan.seed, Faults())
        self.platform, self.station_key, self.owner = (private_key(name) for name in ("platform", "station", "owner"))
        self.keys = replace(Keys.make(private_key("server")), admin="admin", master=private_key("master"))
        self.second_keys = replace(
            Keys.make(private_key("second server")), admin="admin", master=private_key("second master")
        )
        self.urls: dict[bytes, str] = {}
        self.servers: dict[bytes, SecurityServer] = {}
        self.songs: dict[bytes, float] = {}
        self.owners: dict[bytes, bytes] = {}
        self.headers: dict[bytes, bytes] = {}
        self.fans: list[Fan] = []
        self.log: list[str] = []
        self.deployment: Deployment
        self.chain: Chain
        self.server: SecurityServer
        self.station: RadioStation
        self.thief: Challenger
        self.watch: Watch
        self.operator: Operator
        self.mover: Mover

    def now_s(self) -> float:
        """Virtual time."""
        return self.loop.time()

    def say(self, text: str) -> None:
        """Note what happens, for a seed that is run again."""
        self.log.append(f"{self.loop.time() - 1_800_000_000:9.2f}  {text}")

    @property
    def settlement(self) -> Settlement:
        """The settlement's client."""
        return Settlement(self.chain, self.deployment)

    async def mine(self) -> None:
        """A block every second, for ever."""
        while True:
            await asyncio.sleep(1)
            self.simulated.mine(int(self.now_s()))

    def open_transport(self, url: str, timeout_s: float) -> Any:
        """See ``chain.transport.open_transport``."""

        async def link() -> NodeConnection:
            process = PROCESS.get()
            node = self.server_node if process is not None and process.name.startswith("server") else self.node
            if node.stopped:
                raise OSError("the node is stopped")
            return NodeConnection(node)

        return link()

    async def prepare(self) -> None:
        """Deploy, list server and station, bond, deposit, publish."""
        self.deployment = await deploy(URL, self.platform, SCHEDULE, bps=BPS)
        self.deployment.save(self.folder / "deployment.json")
        self.chain = await self.stack.enter_async_context(self.deployment.connect())
        registry, token, settlement = (
            Registry(self.chain, self.deployment),
            Token(self.chain, self.deployment),
            self.settlement,
        )
        station = address_of(self.station_key)
        await registry.add_station(self.platform, station, "radio.example", "Radio Example")
        await token.approve(self.platform, self.deployment.settlement, 10**30)
        listed = ((self.keys, SERVER_URL), (self.second_keys, SECOND_URL))[: 1 + self.plan.moves]
        for keys, url in listed:
            self.urls[keys.address] = url
            await registry.add_server(self.platform, keys.address, url, keys.exchange_public)
            await settlement.bond(self.platform, keys.address, self.bond)
            await settlement.deposit(self.platform, keys.address, station, 100 * TOKENS)
        shelf = self.folder / "shelf"
        shelf.mkdir()
        bodies = [await self._song(registry, number, shelf) for number in range(2)]
        for number, (keys, _) in enumerate(listed):
            folder = self.folder / str(number)
            folder.mkdir()
            shutil.copy(self.folder / "deployment.json", folder)
            keys.save(folder / "keys.json")
            name = ("server", "second")[number]
            self.servers[keys.address] = SecurityServer(folder, keys, name, **PACE)
            await self.servers[keys.address].start()
        self.server = self.servers[self.keys.address]
        session = self.session("band")
        for content, body in bodies:
            async with session.request("PUT", f"{SERVER_URL}/v1/contents/{to_hex(content)}", json=body) as answer:
                assert answer.status == 200, await answer.json()
        (self.folder / "station.key").write_text(to_hex(self.station_key))
        config = StationConfig(
            domain="radio.example",
            name="Radio Example",
            key_file=self.folder / "station.key",
            deployment_file=self.folder / "deployment.json",
            catalogue=shelf,
            database=str(self.folder / "station.sqlite3"),
            statement_seconds=5.0,
            # Lost databases do not name a server that a song has moved to.
            servers=self.urls,
        )
        self.station = RadioStation(config, self.station_key, station, self.deployment, self.session("station"))
        await self.station.start()

    async def _song(self, registry: Registry, number: int, shelf: Path) -> tuple[bytes, dict[str, Any]]:
        policy = terms(counts={}, price={"interval_s": INTERVAL_S, "owner": 2 * 10**15, "reward": 10**15})
        salt = keccak256(f"song {number}".encode())
        content = registry.predict(address_of(self.owner), salt)
        price = policy.price
        await registry.create_content(
            self.owner, policy.hash, price.owner, price.interval_s, self.keys.address, False, salt
        )
        await Content(self.chain, content).license(self.owner, address_of(self.station_key))
        song = make_song(
            content, self.owner, self.keys.address, self.keys.exchange_public, self.deployment.chain_id, policy
        )
        (shelf / f"song-{number}.sps").write_bytes(MAGIC + len(song.cose).to_bytes(4, "big") + song.cose)
        self.songs[content] = SEGMENTS * 2.0
        self.owners[content] = self.owner
        self.headers[content] = song.cose
        return content, song.body(self.owner, self.keys.exchange_public)

    def session(self, who: str) -> Session:
        """An HTTP client of a party."""
        return Session(self.network, who, self._find)

    def _find(self, origin: str) -> Any:
        address = next((address for address, url in self.urls.items() if url == origin), None)
        return None if address not in self.servers else self.servers[address].found()

    async def traffic(self) -> None:
        """Fans listen while faults happen; then everything is whole again and time passes."""
        common = (self.network, self.servers, self.station, self.deployment.domain, self.songs, self.now_s)
        for number in range(self.plan.fans + self.plan.farmers):
            if number == 0:
                self.fans.append(HostFan(f"fan {number}", *common).prepare(self))
            elif number < self.plan.fans:
                band = address_of(self.owner) if number == self.plan.fans - 1 else None
                self.fans.append(Fan(f"fan {number}", *common, band=band))
            else:
                self.fans.append(Farmer(f"fan {number}", *common))
        running = [asyncio.create_task(fan.run()) for fan in self.fans]
        end_s = self.now_s() + self.plan.epochs * self.deployment.schedule.length
        self.thief = Challenger(self)
        await self.thief.prepare()
        self.watch = Watch(self)
        await self.watch.prepare()
        self.operator = Operator(self)
        self.mover = Mover(self)
        others = [asyncio.create_task(one.run()) for one in (self.thief, self.watch, self.operator, self.mover)]
        if self.plan.faults:
            await FaultPlan(self).run(end_s)
        else:
            await asyncio.sleep(end_s - self.now_s())
        for fan in self.fans:
            fan.stopping = True
        await asyncio.wait(running)
        for task in running:
            task.result()
        await asyncio.sleep(3 * self.deployment.schedule.length)
        for fan in self.fans:
            await fan.fetch()
        for task in others:
            task.cancel()


@contextlib.asynccontextmanager
async def world(plan: Plan, loop: VirtualLoop) -> AsyncIterator[World]:
    """A prepared world; everything is ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="gomaa-simulation-", dir=_memory()) as folder:
        made = World(plan, loop, Path(folder))
        kept = (
            chain_connection.open_transport,
            audit_sources.aiohttp,
            server_peers.aiohttp,
            chain_transport.NoRedirectConnect,
        )
        chain_transport.NoRedirectConnect = connector(made)  # type: ignore[misc]
        chain_connection.open_transport = made.open_transport  # type: ignore[assignment]
        audit_sources.aiohttp = _Http(made, kept[1], "auditor")  # type: ignore[assignment]
        server_peers.aiohttp = _Http(made, kept[2], "peer")  # type: ignore[assignment]
        miner = asyncio.create_task(made.mine())
        try:
            async with contextlib.AsyncExitStack() as made.stack:
                await made.prepare()
                yield made
                for fan in made.fans:
                    if isinstance(fan, HostFan):
                        await fan.kill()
                await made.station.kill()
                for server in made.servers.values():
                    await server.kill()
        finally:
            miner.cancel()
            (
                chain_connection.open_transport,
                audit_sources.aiohttp,
                server_peers.aiohttp,
                chain_transport.NoRedirectConnect,
            ) = kept  # type: ignore[assignment]


class _Http:
    """aiohttp for the product's clients: sessions of the simulated network."""

    def __init__(self, made: World, real: Any, who: str) -> None:
        self._made = made
        self._who = who
        self.ClientTimeout, self.ClientError = real.ClientTimeout, real.ClientError

    def ClientSession(self, **_: Any) -> Session:  # noqa: N802
        """See aiohttp."""
        return self._made.session(self._who)


def _memory() -> str | None:
    place = Path("/dev/shm")
    return str(place) if place.is_dir() else None
