"""Fans who listen at two stations and collect, and a stranger who ties them together from all that stations, chain and
servers show.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from chain.abi import event
from chain.contracts.content import Content
from chain.contracts.registry import Registry
from native_host.device_key import Device
from pywallet.crypto import address_of
from pywallet.encoding.hex import ZERO_ADDRESS, to_hex
from pywallet.protocol import (
    Receipt,
    Session,
    Signed,
    Ticket,
    sign,
)
from pywallet.settlement import EpochData
from pywallet.wallet.keyring import Keyring
from station.config import StationConfig
from tests.simulation.coincidences import Paid, Trace, guesses
from tests.simulation.fans import Fan, private_key
from tests.simulation.restoring import published
from tests.simulation.servers import RadioStation
from tests.simulation.virtual import virtual_time
from tests.simulation.world import TOKENS, Plan, World, world

Way = Literal["private", "late", "once"]
"""How a fan collects: in private; late, where the wallet signs and sends only once it is opened, after all is final.

At once.
"""

MIX_S: Final = 10.0
"""The relayer's wait: ten blocks."""
SPREAD_S: Final = 120.0
"""Twelve rounds of the relayer; by default the wallet's hours have 36."""
HAND_S: Final = 2.0
"""Within which time a wallet hands a claim to the relayer."""
OPENED_S: Final = 1_200.0
"""Over which time wallets are opened that claim late."""


@dataclass
class Log:
    """Database of one station: the sessions that it received."""

    sessions: list[Session] = field(default_factory=list)


class Visitor(Fan):
    """A fan at one of the stations, with the keys that wallet and host derive for it.

    Args:
        person: Whose words and computer; the same at both stations.
        rewards: True if the wallet takes part; without it the host's own listener is named, and nobody is paid.
        locked: True if the wallet locks itself after the first session, which serves from then on.
        private: True if claims are handed over as rewards are earned.
    """

    def __init__(
        self, made: World, station: RadioStation, log: Log, person: str, *, rewards: bool, locked: bool, private: bool
    ) -> None:
        common = (made.network, made.servers, station, made.deployment.domain, made.songs, made.now_s)
        super().__init__(f"{person} at {station.config.domain}{'' if rewards else ' without a wallet'}", *common)
        self.log, self.person, self.rewards = log, person, rewards
        self.wallet = Keyring(private_key("words", person) * 2)
        host = Device(private_key("host", person))
        self.device = host.key(made.keys.address, station.address)
        if not rewards:
            self.listener = host.listener_key(station.address)
        self.numbers: dict[bytes, int] = {}
        self.handing: set[asyncio.Task[None]] = set()
        self._locked, self._private, self._schedule = locked, private, made.deployment.schedule
        self._kept: Signed[Session] | None = None

    def session(self, device: bytes | None = None) -> Signed[Session]:
        """See Fan: signed by the wallet's core, or by the host."""
        if self._locked and self._kept is not None:
            return self._kept
        now_s = int(self.now_s())
        # The beginning of the hour, which is a minute here.
        begin_s = now_s - now_s % 60
        device, times = address_of(self.device), (begin_s - 5, begin_s + 3_600)
        if not self.rewards:
            made = Session(self.station.address, address_of(self.listener), device, ZERO_ADDRESS, *times)
            return sign(made, self.domain, self.listener)
        signed = self.wallet.sign_session(self.domain, self.station.address, device, now_s // 60, *times)
        self.numbers[signed.message.payee] = now_s // 60
        self.records.payees.add(signed.message.payee)
        self._kept = signed
        return signed

    def keep(self, receipt: Signed[Receipt]) -> None:
        """See Fan.

        The first receipt of an epoch is followed by its claim, which names a moment after the epoch is final.
        """
        message = receipt.message
        new = (message.server, message.epoch, message.payee) not in self.records.receipts
        super().keep(receipt)
        if new and self._private and message.payee in self.numbers:
            after_s = self._schedule.due(message.epoch) + random.SystemRandom().random() * SPREAD_S
            task = asyncio.create_task(self._hand(message.server, message.epoch, message.payee, int(after_s)))
            self.handing.add(task)

    async def _hand(self, server: bytes, epoch: int, payee: bytes, after_s: int) -> None:
        await asyncio.sleep(random.SystemRandom().random() * HAND_S)
        told = await self.ask(
            server, "claim", claims=[self.signed(server, epoch, payee, payee)], mixed=True, after_s=after_s
        )
        assert told["due_s"] >= after_s

    async def ticket(self, session: Signed[Session], content: bytes) -> Signed[Ticket]:
        """See Fan: the station keeps what it saw."""
        signed = await super().ticket(session, content)
        self.log.sessions.append(session.message)
        return signed

    async def fetch(self) -> None:
        """Nothing: what was earned is read from the published data."""

    def signed(self, server: bytes, epoch: int, payee: bytes, to: bytes) -> dict[str, Any]:
        """A claim, as it is sent."""
        return self.wallet.sign_claim(
            self.domain, server, epoch, self.station.address, self.numbers[payee], to
        ).to_json()

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
    """All fans listen at both stations for some epochs and collect all rewards, in one of two ways."""
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
        how = {"locked": number % 4 == 0, "private": way == "private"}
        people[person] = [
            Visitor(made, station, log, person, rewards=kind, **how) for station, log in places for kind in kinds
        ]
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
        (epoch, row.payee)
        for epoch, raw in published(made.server.database).items()
        for row in EpochData.decode(raw).payees
        if row.amount
    ]
    await asyncio.gather(*(_collect(made, visitors, owed, way) for visitors in people.values()))
    for visitor in everybody:
        await asyncio.gather(*visitor.handing)
    await asyncio.sleep(SPREAD_S + 2 * MIX_S)
    mine = {payee for visitor in everybody for payee in visitor.numbers}
    return Scene(made, logs, people, sum(payee in mine for _, payee in owed))


async def _collect(made: World, visitors: list[Visitor], owed: Sequence[tuple[int, bytes]], way: Way) -> None:
    """One fan's wallet, after everybody has stopped to listen: what was handed over before is paid by itself."""
    server, account = made.keys.address, visitors[0].wallet.account
    mine = [(visitor, epoch, payee) for visitor in visitors for epoch, payee in owed if payee in visitor.numbers]

    async def alone(visitor: Visitor, epoch: int, payee: bytes, opened_s: float) -> None:
        await asyncio.sleep(opened_s + random.SystemRandom().random() * SPREAD_S)
        await visitor.claim(server, epoch, payee)

    # No two fans press or open their wallet at the same moment.
    opened_s = random.Random(visitors[0].person).random() * (OPENED_S if way == "late" else SPREAD_S)
    if way == "private":
        # What had no receipt while it was earned, as the wallet sees when it is opened.
        rest = [one for one in mine if (server, *one[1:]) not in one[0].records.receipts]
        await asyncio.gather(*(alone(*one, 0.0) for one in rest))
    elif way == "late":
        await asyncio.gather(*(alone(*one, opened_s) for one in mine))
    else:
        await asyncio.sleep(opened_s)
        claims = [visitor.signed(server, epoch, payee, account) for visitor, epoch, payee in mine]
        for at in range(0, len(claims), 32):
            await visitors[0].ask(server, "claim", claims=claims[at : at + 32])


class Groups:
    """Things that are known to belong together."""

    def __init__(self) -> None:
        self._over: dict[Any, Any] = {}

    def find(self, one: Any) -> Any:
        """Return the representative of an element's group (union-find)."""
        while (over := self._over.get(one, one)) != one:
            one = over
        return one

    def join(self, one: Any, other: Any) -> None:
        """Two things belong together."""
        self._over[self.find(one)] = self.find(other)


@dataclass(frozen=True)
class Linked:
    """Result of the attack.

    Attributes:
        fans: Fans whose listeners at the two stations are tied to each other, or one of them to the account.
        certain: How many of them by what addresses, devices and transactions say, without times.
        hints: Of each kind of coincidence how many pairs of listeners it suggests, and how many of them are one fan.
    """

    fans: frozenset[str]
    certain: int
    hints: dict[str, tuple[int, int]]

    @property
    def correct_guesses(self) -> int:
        """Number of fans that the most successful heuristic pairs correctly."""
        return max(right for _, right in self.hints.values())


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
    fans = {person for person, visitors in scene.people.items() if _tied(visitors, groups)}
    certain = len(fans)
    told = guesses(_traces(scene, claims), _persons(scene))
    for one in told.values():
        if one.evidence:
            fans.update(one.right)
    return Linked(frozenset(fans), certain, {name: (one.pairs, len(one.right)) for name, one in told.items()})


def _persons(scene: Scene) -> dict[bytes, str]:
    """Whose the listeners are: only to see whether a guess is right."""
    everybody = (visitor for visitors in scene.people.values() for visitor in visitors if visitor.rewards)
    return {visitor.wallet.listener(visitor.station.address): visitor.person for visitor in everybody}


def _traces(scene: Scene, claims: Sequence[Any]) -> tuple[dict[bytes, Trace], dict[bytes, Trace]]:
    """Observations of each station by listener: its sessions, and the claims of their payees."""
    places: tuple[dict[bytes, Trace], dict[bytes, Trace]] = ({}, {})
    schedule = scene.made.deployment.schedule
    for log, place in zip(scene.logs, places, strict=True):
        owners = {session.payee: session.listener for session in log.sessions if any(session.payee)}
        for listener in sorted(set(owners.values())):
            place[listener] = Trace(sessions=[one.not_before for one in log.sessions if one.listener == listener])
        for order, one in enumerate(claims):
            if (owner := owners.get(bytes(one.fields["payee"]))) is not None:
                epoch = int(one.fields["epoch"])
                place[owner].claims.append(
                    Paid(one.block, order, epoch, schedule.due(epoch), int(one.fields["amount"]))
                )
    return places


def _tied(visitors: Sequence[Visitor], groups: Groups) -> bool:
    """Return whether a fan's listeners at different stations are one group, or one of them is with the account."""
    account = groups.find(("address", visitors[0].wallet.account))
    by_station: dict[bytes, set[Any]] = defaultdict(set)
    for visitor in visitors:
        named = visitor.wallet.listener(visitor.station.address) if visitor.rewards else address_of(visitor.listener)
        by_station[visitor.station.address].add(groups.find(("listener", named)))
    first, second = by_station.values()
    return bool(first & second) or account in first | second


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
