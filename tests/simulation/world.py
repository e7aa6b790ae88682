"""One simulated world: a chain, a security server, a station, fans, and whoever attacks them, all drawn from one seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import audit.sources as audit_sources
import chain.client as chain_client
from audit.run import Result
from audit.run import audit as audit_chain
from chain.client import Chain
from chain.content import Content
from chain.deploy import deploy
from chain.deployment import Deployment
from chain.registry import Registry
from chain.settlement import ClaimItem, Settlement
from chain.token import Token
from pywallet.errors import GomaaError
from pywallet.hexes import from_hex, to_hex
from pywallet.messages import Claim, compact, sign
from pywallet.platform import address_of, keccak256
from pywallet.settlement import Header, Schedule, gross, verify_leaf
from pywallet.sps.container import MAGIC
from security_server.config import Keys
from station.config import StationConfig
from tests.integration.server_songs import SEGMENTS, make_song, terms
from tests.simulation.fans import Fan, Farmer, private_key
from tests.simulation.network import Faults, Network, Session
from tests.simulation.node import URL, Line, Node, SimulatedChain
from tests.simulation.servers import RadioStation, SecurityServer
from tests.simulation.virtual import PROCESS, VirtualLoop

SCHEDULE: Final = Schedule(60, 5, 15, 15, 3_600, 75)
BPS: Final = 500
TOKENS: Final = 10**18
SERVER_URL: Final = "http://security-server.simulated"
INTERVAL_S: Final = 2


@dataclass(frozen=True)
class Plan:
    """What one seed does.

    Attributes:
        seed: Draws everything else.
        epochs: Epochs with traffic and faults.
        fans: Honest listeners.
        farmers: Listeners with patched hosts.
        faults: Whether processes, lines and the chain fail.
    """

    seed: int
    epochs: int = 3
    fans: int = 3
    farmers: int = 1
    faults: bool = True


@dataclass
class Broken:
    """Invariants that do not hold, each in words."""

    lines: list[str] = field(default_factory=list)

    def unless(self, holds: bool, text: str) -> None:
        """Note a violation."""
        if not holds:
            self.lines.append(text)


class World:
    """See module. Made by ``world``."""

    def __init__(self, plan: Plan, loop: VirtualLoop, folder: Path) -> None:
        self.plan, self.loop, self.folder = plan, loop, folder
        self.dice = random.Random(f"{plan.seed} world")  # noqa: S311
        self.simulated = SimulatedChain(plan.seed)
        self.node, self.server_node = Node(self.simulated), Node(self.simulated)
        self.network = Network(plan.seed, Faults())
        self.platform, self.station_key, self.owner = (private_key(name) for name in ("platform", "station", "owner"))
        self.keys = replace(Keys.make(private_key("server")), admin="admin", master=private_key("master"))
        self.songs: dict[bytes, float] = {}
        self.fans: list[Fan] = []
        self.log: list[str] = []
        self.deployment: Deployment
        self.chain: Chain
        self.server: SecurityServer
        self.station: RadioStation

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

    def open_link(self, url: str, timeout_s: float) -> Any:
        """See ``chain.links.open_link``."""

        async def link() -> Line:
            process = PROCESS.get()
            node = self.server_node if process is not None and process.name.startswith("server") else self.node
            if node.stopped:
                raise OSError("the node is stopped")
            return Line(node)

        return link()

    async def prepare(self) -> None:
        """Deploy, list server and station, bond, deposit, publish."""
        self.deployment = await deploy(URL, self.platform, SCHEDULE, bps=BPS)
        self.deployment.save(self.folder / "deployment.json")
        self.chain = await self.stack.enter_async_context(self.deployment.connect())
        registry, token, settlement = Registry(self.chain, self.deployment), Token(self.chain, self.deployment), self.settlement
        station = address_of(self.station_key)
        await registry.add_station(self.platform, station, "radio.example", "Radio Example")
        await registry.add_server(self.platform, self.keys.address, SERVER_URL, self.keys.exchange_public)
        await token.approve(self.platform, self.deployment.settlement, 10**30)
        await settlement.bond(self.platform, self.keys.address, 1000 * TOKENS)
        await settlement.deposit(self.platform, self.keys.address, station, 100 * TOKENS)
        shelf = self.folder / "shelf"
        shelf.mkdir()
        bodies = [await self._song(registry, number, shelf) for number in range(2)]
        self.keys.save(self.folder / "keys.json")
        self.server = SecurityServer(self.folder, self.keys, escrow_age_s=1.0)
        await self.server.start()
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
        )
        self.station = RadioStation(config, self.station_key, station, self.deployment, self.session("station"))
        await self.station.start()

    async def _song(self, registry: Registry, number: int, shelf: Path) -> tuple[bytes, dict[str, Any]]:
        policy = terms(counts={}, price={"interval_s": INTERVAL_S, "owner": 2 * 10**15, "reward": 10**15})
        salt = keccak256(f"song {number}".encode())
        content = registry.predict(address_of(self.owner), salt)
        price = policy.price
        await registry.create_content(self.owner, policy.hash, price.owner, price.interval_s, self.keys.address, False, salt)
        await Content(self.chain, content).license(self.owner, address_of(self.station_key))
        song = make_song(content, self.owner, self.keys.address, self.keys.exchange_public, self.deployment.chain_id, policy)
        (shelf / f"song-{number}.sps").write_bytes(MAGIC + len(song.cose).to_bytes(4, "big") + song.cose)
        self.songs[content] = SEGMENTS * 2.0
        return content, song.body(self.owner, self.keys.exchange_public)

    def session(self, who: str) -> Session:
        """An HTTP client of a party."""
        return Session(self.network, who, lambda origin: self.server.found() if origin == SERVER_URL else None)

    async def traffic(self) -> None:
        """Fans listen while faults happen; then everything is whole again and time passes."""
        common = (self.network, None, None, self.deployment.domain, self.songs, self.now_s)
        for number in range(self.plan.fans + self.plan.farmers):
            kind = Fan if number < self.plan.fans else Farmer
            self.fans.append(kind(f"fan {number}", common[0], self.server, self.station, *common[3:]))
        running = [asyncio.create_task(fan.run()) for fan in self.fans]
        if self.plan.faults:
            await self._faults(self.now_s() + self.plan.epochs * SCHEDULE.length)
        else:
            await asyncio.sleep(self.plan.epochs * SCHEDULE.length)
        self.network.faults = Faults()
        for fan in self.fans:
            fan.stopping = True
        await asyncio.wait(running)
        for task in running:
            task.result()
        await asyncio.sleep(4 * SCHEDULE.length)
        for fan in self.fans:
            await fan.fetch()

    async def _faults(self, end_s: float) -> None:
        self.network.faults = Faults(lost=0.05, doubled=0.05, delay_s=0.3)
        kinds = (self._kill_server, self._kill_station, self._stop_node, self._replace_blocks, self._limit_node)
        while self.now_s() < end_s:
            await asyncio.sleep(self.dice.random() * 25)
            await self.dice.choice(kinds)()

    async def _kill_server(self) -> None:
        self.say("server killed")
        await self.server.kill()
        await asyncio.sleep(self.dice.random() * 6)
        await self._start_server()

    async def _start_server(self) -> None:
        while True:
            try:
                await self.server.start()
                self.say("server started")
                return
            except GomaaError as error:
                self.say(f"server not started: {error.code}")
                await self.server.kill()
                await asyncio.sleep(1)

    async def _kill_station(self) -> None:
        self.say("station killed")
        await self.station.kill()
        await asyncio.sleep(self.dice.random() * 6)
        await self.station.start()

    async def _stop_node(self) -> None:
        self.say("the server's node stops")
        self.server_node.stopped = True
        for line in [one for one in self.simulated.lines if one._node is self.server_node]:
            line._hang_up()
        await asyncio.sleep(self.dice.random() * 8)
        self.server_node.stopped = False
        self.say("the server's node is back")

    async def _replace_blocks(self) -> None:
        depth = self.dice.randint(1, 4)
        self.say(f"{depth} blocks replaced")
        self.simulated.replace(depth)

    async def _limit_node(self) -> None:
        self.say("the server's node limits logs")
        self.server_node.limited = True
        await asyncio.sleep(self.dice.random() * 30)
        self.server_node.limited = False

    async def check(self) -> Broken:
        """Every invariant, once all is quiet."""
        broken = Broken()
        await self._check_receipts(broken)
        await self._check_rewards(broken)
        await self._check_books(broken)
        await self._check_money(broken)
        result = await self._audit()
        for fault in result.faults:
            broken.lines.append(f"audit: {fault}")
        for fan in self.fans:
            broken.unless(not fan.books.codes["internal"], f"{fan.name} was answered internal")
        return broken

    async def _audit(self) -> Result:
        promised: dict[tuple[bytes, int], dict[bytes, int]] = {}
        for fan in self.fans:
            for (epoch, payee), receipt in fan.books.receipts.items():
                promised.setdefault((self.keys.address, epoch), {})[payee] = receipt.message.amount
        return await audit_chain(self.chain, self.deployment, promised=promised)

    async def _check_receipts(self, broken: Broken) -> None:
        """Every receipt has a leaf under the chain's commitment, and the leaf is paid."""
        for fan in self.fans:
            for (epoch, payee), receipt in sorted(fan.books.receipts.items(), key=lambda item: item[0]):
                place = f"{fan.name}, epoch {epoch}, {receipt.message.amount} wei"
                try:
                    leaf = await fan.ask("leaf", epoch=epoch, payee=to_hex(payee))
                except GomaaError as error:
                    broken.lines.append(f"no leaf for {place}: {error.code}")
                    continue
                header = Header(from_hex(leaf["header"]["root"], 32), int(leaf["header"]["total"]), from_hex(leaf["header"]["rest"], 32))
                proof = [(from_hex(node, 32), int(total)) for node, total in leaf["proof"]]
                amount = int(leaf["amount"])
                broken.unless(amount >= receipt.message.amount, f"leaf of {amount} wei for {place}")
                broken.unless(verify_leaf(header, payee, amount, leaf["index"], proof), f"a proof that leads nowhere for {place}")
                key = next(private_key("payee", fan.name, hour) for hour in range(*_hours(self)) if _is(fan.name, hour, payee))
                to = address_of(private_key("purse", fan.name))
                claim = sign(Claim(server=self.keys.address, epoch=epoch, payee=payee, to=to, tip=0), self.deployment.domain, key)
                r, vs = compact(claim.signature)
                item = ClaimItem(self.keys.address, epoch, header, payee, amount, leaf["index"], len(proof), r, vs)
                try:
                    await self.settlement.claim(self.platform, [item], proof, to, 0)
                except GomaaError as error:
                    broken.lines.append(f"claim refused for {place}: {error.detail.get('reason', error.code)}")

    async def _check_rewards(self, broken: Broken) -> None:
        """Nobody is promised more than one honest listener of the same time."""
        for fan in self.fans:
            if fan.books.first_s is None:
                continue
            promised = sum(receipt.message.amount for receipt in fan.books.receipts.values())
            elapsed_s = fan.books.last_s - fan.books.first_s + 5
            most = (int(elapsed_s) // INTERVAL_S + 1) * 10**15
            broken.unless(promised <= most, f"{fan.name} is promised {promised} wei, an honest listener {most} at most")

    async def _check_books(self, broken: Broken) -> None:
        """Station and server agree: nothing is left to sign for, and nothing is refused."""
        assert self.station.station is not None
        outcome = None
        try:
            for _ in range(4):
                outcome = await self.station.ask(lambda station: station.bookkeeper.round(self.keys.address, SERVER_URL))
        except GomaaError as error:
            broken.lines.append(f"station and server disagree: {error.code} {error.detail}")
        if outcome is not None:
            broken.unless(outcome.new == 0, f"{outcome.new} lines stay unsigned")

    async def _check_money(self, broken: Broken) -> None:
        lane = await self.settlement.lane(self.keys.address)
        broken.unless(lane.bond >= 1000 * TOKENS, f"the honest server's bond is {lane.bond}")
        broken.unless(not await self.settlement.history("Slashed", self.keys.address), "the honest server was slashed")


def _hours(world: World) -> tuple[int, int]:
    now = int(world.now_s()) // 60
    return now - 120, now + 1


def _is(name: str, hour: int, payee: bytes) -> bool:
    return address_of(private_key("payee", name, hour)) == payee


@contextlib.asynccontextmanager
async def world(plan: Plan, loop: VirtualLoop) -> AsyncIterator[World]:
    """A prepared world; everything is ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="gomaa-simulation-", dir=_memory()) as folder:
        made = World(plan, loop, Path(folder))
        kept = chain_client.open_link, audit_sources.aiohttp
        chain_client.open_link = made.open_link  # type: ignore[assignment]
        audit_sources.aiohttp = _Http(made, kept[1])  # type: ignore[assignment]
        miner = asyncio.create_task(made.mine())
        try:
            async with contextlib.AsyncExitStack() as made.stack:
                await made.prepare()
                yield made
                await made.station.kill()
                await made.server.kill()
        finally:
            miner.cancel()
            chain_client.open_link, audit_sources.aiohttp = kept  # type: ignore[assignment]


class _Http:
    """aiohttp for the audit: sessions of the simulated network."""

    def __init__(self, made: World, real: Any) -> None:
        self._made = made
        self.ClientTimeout, self.ClientError = real.ClientTimeout, real.ClientError

    def ClientSession(self, **_: Any) -> Session:  # noqa: N802
        """See aiohttp."""
        return self._made.session("auditor")


def _memory() -> str | None:
    place = Path("/dev/shm")  # noqa: S108
    return str(place) if place.is_dir() else None


__all__ = ["Broken", "Plan", "World", "gross", "world"]
