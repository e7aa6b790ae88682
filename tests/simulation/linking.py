"""Fans who listen at two stations and collect, and a stranger who ties them together from all that stations, chain and servers show."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from chain.abi import event
from chain.content import Content
from chain.registry import Registry
from native_host.device import Device
from pywallet.hexes import ZERO_ADDRESS, to_hex
from pywallet.messages import Session, Signed, Ticket, sign
from pywallet.platform import address_of
from pywallet.settlement import EpochData
from pywallet.wallet.keyring import Keyring
from station.config import StationConfig
from tests.simulation.fans import Fan, private_key
from tests.simulation.restoring import published
from tests.simulation.servers import RadioStation
from tests.simulation.virtual import virtual_time
from tests.simulation.world import TOKENS, Plan, World, world

Way = Literal["private", "once"]

MIX_S: Final = 10.0
"""The relayer's wait: ten blocks."""
SPREAD_S: Final = 120.0
"""Twelve rounds of the relayer; by default the wallet's hours have 36."""
HINT: Final = 0.5
"""Coincidences of time are evidence where more than this share of what they say is so."""
LEAST_HINTS: Final = 3


@dataclass
class Log:
    """What one station has in its database: the sessions that were shown to it."""

    sessions: list[Session] = field(default_factory=list)


class Visitor(Fan):
    """A fan at one of the stations, with the keys that wallet and host derive for it.

    Args:
        person: Whose words and computer; the same at both stations.
        rewards: Whether the wallet takes part; without it the host's own listener is named, and nobody is paid.
    """

    def __init__(self, made: World, station: RadioStation, log: Log, person: str, *, rewards: bool) -> None:
        common = (made.network, made.servers, station, made.deployment.domain, made.songs, made.now_s)
        super().__init__(f"{person} at {station.config.domain}{'' if rewards else ' without a wallet'}", *common)
        self.log, self.person, self.rewards = log, person, rewards
        self.wallet = Keyring(private_key("words", person) * 2)
        host = Device(private_key("host", person))
        self.device = host.key(made.keys.address, station.address)
        if not rewards:
            self.listener = host.listener_key(station.address)
        self.numbers: dict[bytes, int] = {}

    def session(self) -> Signed[Session]:
        """See Fan: signed by the wallet's core, or by the host."""
        now_s = int(self.now_s())
        device, times = address_of(self.device), (now_s - 5, now_s + 3_600)
        if not self.rewards:
            made = Session(self.station.address, address_of(self.listener), device, ZERO_ADDRESS, *times)
            return sign(made, self.domain, self.listener)
        signed = self.wallet.sign_session(self.domain, self.station.address, device, now_s // 60, *times)
        self.numbers[signed.message.payee] = now_s // 60
        return signed

    async def ticket(self, session: Signed[Session], content: bytes) -> Signed[Ticket]:
        """See Fan: the station keeps what it saw."""
        signed = await super().ticket(session, content)
        self.log.sessions.append(session.message)
        return signed

    async def fetch(self) -> None:
        """Nothing: what was earned is read from the published data."""

    def signed(self, server: bytes, epoch: int, payee: bytes, to: bytes) -> dict[str, Any]:
        """A claim, as it is sent."""
        return self.wallet.sign_claim(self.domain, server, epoch, self.station.address, self.numbers[payee], to).to_json()

    async def claim(self, server: bytes, epoch: int, payee: bytes) -> None:
        """Have a leaf paid to its payee, among those of others; until the chain has it."""
        claims = [self.signed(server, epoch, payee, payee)]
        while (await self.ask(server, "claim", claims=claims, mixed=True))["transaction"] is None:
            await asyncio.sleep(MIX_S)


@dataclass(frozen=True)
class Scene:
    """A world after everybody has collected.

    Attributes:
        made: The world.
        logs: What each station has.
        people: Fans, with the visitors that each is.
        collected: Leaves that were paid.
    """

    made: World
    logs: tuple[Log, Log]
    people: dict[str, list[Visitor]]
    collected: int


async def second_station(made: World) -> RadioStation:
    """Another station of the same songs."""
    key = private_key("second station")
    address, folder = address_of(key), made.folder
    await Registry(made.chain, made.deployment).add_station(made.platform, address, "harbour.example", "Harbour")
    await made.settlement.deposit(made.platform, made.keys.address, address, 100 * TOKENS)
    for content in made.songs:
        await Content(made.chain, content).license(made.owner, address)
    (folder / "second.key").write_text(to_hex(key))
    config = StationConfig(
        domain="harbour.example",
        name="Harbour",
        key_file=folder / "second.key",
        deployment_file=folder / "deployment.json",
        catalogue=folder / "shelf",
        database=str(folder / "second.sqlite3"),
        statement_seconds=15.0,
        servers=made.urls,
    )
    station = RadioStation(config, key, address, made.deployment, made.session("second station"))
    await station.start()
    return station


async def live(made: World, way: Way, fans: int) -> Scene:
    """Everybody listens at both stations for some epochs and collects all of it, in one of the two ways."""
    await made.server.kill()
    made.server._config["relay_mix_s"] = MIX_S
    await made.server.start()
    stations = (made.station, await second_station(made))
    logs = (Log(), Log())
    people: dict[str, list[Visitor]] = {}
    for number in range(fans):
        person = f"person {number}"
        kinds = (True, False) if number % 2 else (True,)
        places = zip(stations, logs, strict=True)
        people[person] = [Visitor(made, station, log, person, rewards=kind) for station, log in places for kind in kinds]
    everybody = [visitor for visitors in people.values() for visitor in visitors]
    running = [asyncio.create_task(visitor.run()) for visitor in everybody]
    await asyncio.sleep(made.plan.epochs * made.deployment.schedule.length)
    for visitor in everybody:
        visitor.stopping = True
    await asyncio.wait(running)
    for task in running:
        task.result()
    await asyncio.sleep(3 * made.deployment.schedule.length)
    # Nobody plays any more: statements and vouchers of an idle station take most of the time.
    for station in stations:
        await station.kill()
    owed = [
        (epoch, row.payee) for epoch, raw in published(made.server.database).items() for row in EpochData.decode(raw).payees if row.amount
    ]
    await asyncio.gather(*(_collect(made, visitors, owed, way) for visitors in people.values()))
    mine = {payee for visitor in everybody for payee in visitor.numbers}
    return Scene(made, logs, people, sum(payee in mine for _, payee in owed))


async def _collect(made: World, visitors: list[Visitor], owed: Sequence[tuple[int, bytes]], way: Way) -> None:
    """One fan's wallet: in private each leaf to its own payee, at a moment drawn from when its epoch is final; else all to the account."""
    server, account = made.keys.address, visitors[0].wallet.account
    mine = [(visitor, epoch, payee) for visitor in visitors for epoch, payee in owed if payee in visitor.numbers]
    first = min(epoch for epoch, _ in owed)

    async def alone(visitor: Visitor, epoch: int, payee: bytes) -> None:
        await asyncio.sleep((epoch - first) * made.deployment.schedule.length + random.SystemRandom().random() * SPREAD_S)
        await visitor.claim(server, epoch, payee)

    if way == "private":
        await asyncio.gather(*(alone(*one) for one in mine))
        return
    # No two fans press at the same moment.
    await asyncio.sleep(random.Random(visitors[0].person).random() * SPREAD_S)
    claims = [visitor.signed(server, epoch, payee, account) for visitor, epoch, payee in mine]
    for at in range(0, len(claims), 32):
        await visitors[0].ask(server, "claim", claims=claims[at : at + 32])


class Groups:
    """Things that are known to belong together."""

    def __init__(self) -> None:
        self._over: dict[Any, Any] = {}

    def find(self, one: Any) -> Any:
        """What stands for the group of a thing."""
        while (over := self._over.get(one, one)) != one:
            one = over
        return one

    def join(self, one: Any, other: Any) -> None:
        """Two things belong together."""
        self._over[self.find(one)] = self.find(other)


@dataclass(frozen=True)
class Linked:
    """What the attack found.

    Attributes:
        fans: Fans whose listeners at the two stations are tied to each other, or one of them to the account.
        certain: How many of them by what addresses, devices and transactions say, without times.
        hints: Pairs of listeners that coincidences of time suggest, and how many of them are so.
    """

    fans: frozenset[str]
    certain: int
    hints: tuple[int, int]


async def attack(scene: Scene) -> Linked:
    """Both stations' databases, the chain and the published data, put together."""
    made, groups = scene.made, Groups()
    for log in scene.logs:
        for session in log.sessions:
            named = ("listener", session.listener)
            groups.join(("device", session.device), named)
            if any(session.payee):
                groups.join(("address", session.payee), named)
    claims = await made.settlement.history("Claimed", made.keys.address)
    together: dict[bytes, list[bytes]] = defaultdict(list)
    for one in claims:
        payee = bytes(one.fields["payee"])
        groups.join(("address", payee), ("address", bytes(one.fields["to"])))
        together[one.transaction].append(payee)
    for first, *others in together.values():
        for payee in others:
            groups.join(("address", first), ("address", payee))
    # What an address that was paid sends on ties it to the recipient.
    for sent in await made.chain.logs(made.deployment.token, event("GoMAA", "Transfer"), made.deployment.block, ()):
        if any(bytes(sent.fields["sender"]) == bytes(one.fields["to"]) for one in claims):
            groups.join(("address", bytes(sent.fields["sender"])), ("address", bytes(sent.fields["receiver"])))
    found = {person for person, visitors in scene.people.items() if _tied(visitors, groups)}
    certain = len(found)
    hints: list[str | None] = []
    for told in _times(scene, [(one.block, bytes(one.fields["payee"])) for one in claims]):
        right = [person for person in told if person is not None]
        if len(told) >= LEAST_HINTS and len(right) > HINT * len(told):
            found.update(right)
        hints += told
    return Linked(frozenset(found), certain, (len(hints), sum(person is not None for person in hints)))


def _tied(visitors: Sequence[Visitor], groups: Groups) -> bool:
    """Whether a fan's listeners at different stations are one group, or one of them is with the account."""
    account = groups.find(("address", visitors[0].wallet.account))
    by_station: dict[bytes, set[Any]] = defaultdict(set)
    for visitor in visitors:
        named = visitor.wallet.listener(visitor.station.address) if visitor.rewards else address_of(visitor.listener)
        by_station[visitor.station.address].add(groups.find(("listener", named)))
    first, second = by_station.values()
    return bool(first & second) or account in first | second


def _times(scene: Scene, claims: Sequence[tuple[int, bytes]]) -> tuple[list[str | None], list[str | None]]:
    """Listeners at the two stations whom the times of their claims suggest to be one: whose they are, or None where they are not.

    First those whose claims stand in exactly the same blocks, as those of no others do; then those whose claims lie closest to each
    other in the mean, of all listeners at either station.
    """
    owners = [{session.payee: session.listener for session in log.sessions if any(session.payee)} for log in scene.logs]
    places: list[dict[bytes, list[int]]] = [defaultdict(list), defaultdict(list)]
    for block, payee in claims:
        for number, owner in enumerate(owners):
            if payee in owner:
                places[number][owner[payee]].append(block)
    everybody = (visitor for visitors in scene.people.values() for visitor in visitors)
    persons = {visitor.wallet.listener(visitor.station.address): visitor.person for visitor in everybody}

    def whose(one: bytes, other: bytes) -> str | None:
        return persons[one] if persons[one] == persons[other] else None

    counts = [Counter(frozenset(blocks) for blocks in place.values()) for place in places]
    same: list[str | None] = []
    for listener, blocks in places[0].items():
        others = [other for other, theirs in places[1].items() if set(theirs) == set(blocks)]
        if len(others) == 1 and counts[0][frozenset(blocks)] == 1:
            same.append(whose(listener, others[0]))
    means = [{listener: sum(blocks) / len(blocks) for listener, blocks in place.items()} for place in places]
    nearest = [
        {one: min(means[1 - at], key=lambda other: abs(means[1 - at][other] - mean)) for one, mean in means[at].items()} for at in (0, 1)
    ]
    close = [whose(one, other) for one, other in nearest[0].items() if nearest[1][other] == one]
    return same, close


def linked(way: Way, fans: int = 20, epochs: int = 2, seed: int = 1) -> Linked:
    """Let fans listen and collect in one of the two ways, on virtual time, and attack them."""
    with virtual_time(seed) as loop:

        async def whole() -> Linked:
            async with world(Plan(seed, epochs=epochs, fans=0, farmers=0, faults=False), loop) as made:
                scene = await live(made, way, fans)
                assert scene.collected > fans, "fans earned something at both stations"
                return await attack(scene)

        try:
            return loop.run_until_complete(whole())
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
