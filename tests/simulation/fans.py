"""Honest listeners of a simulation, who report what they play."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from pywallet.crypto import address_of, keccak256
from pywallet.crypto import sign as sign_digest
from pywallet.crypto.key_wrap import generate_keypair
from pywallet.encoding.hex import to_b64, to_hex
from pywallet.errors import GomaaError, Unavailable
from pywallet.protocol import (
    Action,
    Domain,
    Invocation,
    Receipt,
    Session,
    Signed,
    Ticket,
    digest,
    hello_digest,
    require_signer,
    sign,
)
from tests.simulation.network import Network
from tests.simulation.servers import HostLine, RadioStation, SecurityServer

RENEW_S: Final = 4.5
"""Seconds between two signs of life of a play, as the extension sends them."""
QUIET_S: Final = 15.0
"""A play that is silent for longer may not be counted on by a server."""
MOVED: Final = "server.moved"
EXCHANGE: Final = generate_keypair()


def private_key(*parts: object) -> bytes:
    """The private key of a name."""
    return keccak256(repr(parts).encode())


Account = tuple[bytes, int, bytes]
"""Server, epoch, payee."""


@dataclass
class Played:
    """An honest play.

    Attributes:
        position_s: Seconds that sounded, as reported.
        whole: True if every report was accepted, each within ``QUIET_S`` of the one before.
    """

    position_s: float = 0.0
    whole: bool = True


@dataclass
class Records:
    """Receipts and plays of a fan.

    Attributes:
        receipts: The highest receipt by server, epoch and payee.
        seen: Every receipt by server, epoch, payee and amount.
        aside: Keys of receipts that a restored server cannot know.
        payees: Payees of this fan's sessions.
        codes: Refusals by code.
        heard_s: Seconds of music that were played.
        first_s: Unix time of the first opening.
        last_s: Unix time of the last action.
        plays: Reported and accepted invocations of each ticket, by server and number.
        moved: Number of plays that continued at another server before they began.
        cut: Plays that ended because their content moved.
    """

    receipts: dict[Account, Signed[Receipt]] = field(default_factory=dict)
    seen: dict[tuple[bytes, int, bytes, int], Signed[Receipt]] = field(default_factory=dict)
    aside: set[tuple[bytes, int, bytes, int]] = field(default_factory=set)
    payees: set[bytes] = field(default_factory=set)
    codes: Counter[str] = field(default_factory=Counter)
    heard_s: float = 0.0
    first_s: float | None = None
    last_s: float = 0.0
    plays: dict[tuple[bytes, int], Played] = field(default_factory=dict)
    moved: int = 0
    cut: int = 0


class Fan:
    """An honest listener: one song after the other, every action reported until it is acknowledged.

    Args:
        name: Draws its keys and its behaviour.
        band: An address that it names as payee in half of its sessions; the receipts of it are not the fan's.
    """

    def __init__(
        self,
        name: str,
        network: Network,
        servers: dict[bytes, SecurityServer],
        station: RadioStation,
        domain: Domain,
        songs: dict[bytes, float],
        now_s: Callable[[], float],
        band: bytes | None = None,
    ) -> None:
        self.name = name
        self.network, self.servers, self.station, self.domain, self.songs, self.now_s = (
            network,
            servers,
            station,
            domain,
            songs,
            now_s,
        )
        self.band = band
        self.dice: random.Random = network.dice(f"fan {name}")
        self.listener = private_key("listener", name)
        self.device = private_key("device", name)
        self.records = Records()
        self.stopping = False
        self._lines: dict[bytes, HostLine] = {}
        self._code: str | None = None
        self._number = 0
        self._sequences: dict[bytes, int] = {}

    async def run(self) -> None:
        """Listen until told to stop."""
        while not self.stopping:
            try:
                await self.play()
            except GomaaError as error:
                self.records.codes[error.code] += 1
            await asyncio.sleep(1 + self.dice.random() * 5)

    async def play(self) -> None:
        """Hear one song, or part of it."""
        content = self.dice.choice(sorted(self.songs))
        length_s = self.songs[content] * self.dice.choice((0.3, 0.8, 1.0))
        ticket = await self.begin(content)
        if ticket is None:
            return
        last_s = began_s = self.now_s()
        played = self.records.plays[(ticket.message.server, ticket.message.number)] = Played()
        position_s, action = 0.0, "renew"
        while action != "stop":
            if position_s < length_s and not self.stopping:
                await asyncio.sleep(min(RENEW_S, length_s - position_s))
                position_s = min(length_s, self.now_s() - began_s)
            else:
                action = "stop"
            played.position_s = position_s
            if not await self.act(ticket, action, int(position_s * 1000)):
                played.whole = False
                self.records.cut += self._code == MOVED
                action = "stop"
            played.whole &= self.now_s() - last_s < QUIET_S
            last_s = self.now_s()
        self.records.heard_s += position_s
        await self.fetch()

    async def begin(self, content: bytes) -> Signed[Ticket] | None:
        """Begin a play: where the content has moved meanwhile, the station gives a ticket for the new server."""
        for _ in range(4):
            session = self.session()
            ticket = await self.ticket(session, content)
            try:
                await self.open(session, ticket)
            except GomaaError as error:
                if error.code != MOVED:
                    raise
            else:
                if await self.act(ticket, "play", 0, grant=True):
                    return ticket
                if self._code != MOVED:
                    return None
            self.records.moved += 1
            await asyncio.sleep(1)
        return None

    def session(self, device: bytes | None = None) -> Signed[Session]:
        """A session of this hour, with a payee of its own, or with the band's address where the fan names it now and
        then.

        Args:
            device: The address that it is for; this listener's own key by default.
        """
        now_s = int(self.now_s())
        hour = now_s // 60
        payee = address_of(private_key("payee", self.name, hour))
        if self.band is not None and self.dice.random() < 0.5:
            # Its rewards go into a leaf that is the band's, too.
            payee = self.band
        else:
            self.records.payees.add(payee)
        times = {"not_before": now_s - 5, "not_after": now_s + 3_600}
        people = {
            "station": self.station.address,
            "listener": address_of(self.listener),
            "device": address_of(self.device) if device is None else device,
        }
        return sign(Session(**people, payee=payee, **times), self.domain, self.listener)

    async def ticket(self, session: Signed[Session], content: bytes) -> Signed[Ticket]:
        """Ask the station for a ticket."""
        found: Signed[Ticket] = await self.network.carry(
            self.name, lambda: self.station.ask(lambda station: station.issuer.issue(session, content))
        )
        return found

    async def open(self, session: Signed[Session], ticket: Signed[Ticket]) -> None:
        """Show session and ticket to the server."""
        if self.records.first_s is None:
            self.records.first_s = self.now_s()
        result = await self.ask(
            ticket.message.server, "open", session=session.to_json(), ticket=ticket.to_json(), tracking=True
        )
        self._sequences[digest(session.message, self.domain)] = result["sequence"]

    def invocation(
        self, ticket: Signed[Ticket], action: str, position_ms: int, time_ms: int | None = None
    ) -> Signed[Invocation]:
        """A signed action with the session's next number."""
        session = ticket.message.session
        sequence = self._sequences[session] = self._sequences.get(session, 0) + 1
        message = Invocation(
            session=session,
            ticket=digest(ticket.message, self.domain),
            content=ticket.message.content,
            action=int(Action.of(action)),
            position=position_ms,
            sequence=sequence,
            time=int(self.now_s() * 1000) if time_ms is None else time_ms,
        )
        return sign(message, self.domain, self.device)

    async def act(
        self,
        ticket: Signed[Ticket],
        action: str,
        position_ms: int,
        *,
        time_ms: int | None = None,
        grant: bool = False,
        tries: int = 20,
    ) -> bool:
        """Report an action until the server has it; whether it was counted."""
        one = self.invocation(ticket, action, position_ms, time_ms)
        server, self._code = ticket.message.server, None
        self.records.last_s = self.now_s()
        for _ in range(tries):
            try:
                if grant:
                    await self.ask(server, "grant", invocation=one.to_json(), first=0, count=4, key=to_b64(EXCHANGE[1]))
                    return True
                answer = await self.ask(server, "report", invocations=[one.to_json()])
                for refused in answer["refused"]:
                    self._code = refused["code"]
                    self.records.codes[refused["code"]] += 1
                return not answer["refused"]
            except Unavailable:
                await asyncio.sleep(0.5 + self.dice.random())
            except GomaaError as error:
                self._code = error.code
                self.records.codes[error.code] += 1
                return False
        return False

    async def ask(self, address: bytes, op: str, **fields: Any) -> dict[str, Any]:
        """One operation at a server, over a line that is made anew where it broke."""
        server = self.servers[address]

        async def deliver() -> dict[str, Any]:
            line = self._lines.get(address)
            if line is None or line._process is not server.process:
                line = self._lines[address] = server.line()
                await self._hello(address, line)
            self._number += 1
            try:
                return await line.ask({"id": self._number, "op": op, **fields})
            except Unavailable:
                self._lines.pop(address, None)
                raise

        reply = await self.network.carry(self.name, deliver)
        self.receive_pushed()
        if not reply["ok"]:
            raise GomaaError(reply["error"]["code"], **reply["error"].get("detail", {}))
        return dict(reply["result"])

    async def _hello(self, address: bytes, line: HostLine) -> None:
        time_ms = int(self.now_s() * 1000)
        signature = to_hex(sign_digest(self.device, hello_digest(address, time_ms)))
        hello = {"device": to_hex(address_of(self.device)), "time_ms": time_ms, "signature": signature}
        reply = await line.ask({"id": 0, "op": "hello", "protocol": 1, **hello})
        if not reply["ok"]:
            self._lines.pop(address, None)
            raise Unavailable("server.unreachable", reason=reply["error"]["code"])

    def receive_pushed(self) -> None:
        """Keep the receipts that servers have pushed, also over closed connections."""
        for line in self._lines.values():
            for event in line.drain():
                if event.get("event") == "receipt":
                    self.keep(Signed.from_json(Receipt, event["receipt"]))

    def keep(self, receipt: Signed[Receipt]) -> None:
        """Keep the highest receipt of each payee and epoch. Raises GomaaError for one that the server did not sign."""
        message = receipt.message
        require_signer(receipt, self.domain, message.server, "receipt.signature")
        assert message.server in self.servers
        if message.payee not in self.records.payees or not message.amount:
            return
        key = (message.server, message.epoch, message.payee)
        self.records.seen[(*key, message.amount)] = receipt
        if key not in self.records.receipts or self.records.receipts[key].message.amount < message.amount:
            self.records.receipts[key] = receipt

    async def fetch(self) -> None:
        """Ask for the receipts of this fan's payees."""
        payees = [to_hex(payee) for payee in sorted(self.records.payees)]
        for server in self.servers:
            answer = await self.ask(server, "receipts", payees=payees, since_epoch=0)
            for item in answer["receipts"]:
                self.keep(Signed.from_json(Receipt, item["receipt"]))
