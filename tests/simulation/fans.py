"""Hosts of a simulation: honest ones that hear what they report, and patched ones that report what pays."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from pywallet.errors import GomaaError, Unavailable
from pywallet.hexes import to_b64, to_hex
from pywallet.messages import Action, Domain, Invocation, Receipt, Session, Signed, Ticket, digest, require_signer, sign
from pywallet.platform import address_of, keccak256
from pywallet.platform import sign as sign_digest
from pywallet.sps.wrapping import generate_keypair
from security_server.host_socket import hello_digest
from tests.simulation.network import Network
from tests.simulation.servers import HostLine, RadioStation, SecurityServer

RENEW_S: Final = 4.5
"""Seconds between two signs of life of a play, as the extension sends them."""
EXCHANGE: Final = generate_keypair()


def private_key(*parts: object) -> bytes:
    """The private key of a name."""
    return keccak256(repr(parts).encode())


@dataclass
class Books:
    """What a fan has seen and holds.

    Attributes:
        receipts: The highest receipt by epoch and payee.
        seen: Every receipt by epoch, payee and amount.
        payees: Payees of this fan's sessions.
        codes: Refusals by code.
        heard_s: Seconds of music that honestly sounded.
        first_s: Unix time of the first opening.
        last_s: Unix time of the last action.
    """

    receipts: dict[tuple[int, bytes], Signed[Receipt]] = field(default_factory=dict)
    seen: dict[tuple[int, bytes, int], Signed[Receipt]] = field(default_factory=dict)
    payees: set[bytes] = field(default_factory=set)
    codes: Counter[str] = field(default_factory=Counter)
    heard_s: float = 0.0
    first_s: float | None = None
    last_s: float = 0.0


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
        server: SecurityServer,
        station: RadioStation,
        domain: Domain,
        songs: dict[bytes, float],
        now_s: Callable[[], float],
        band: bytes | None = None,
    ) -> None:
        self.name = name
        self.network, self.server, self.station, self.domain, self.songs, self.now_s = network, server, station, domain, songs, now_s
        self.band = band
        self.dice: random.Random = network.dice(f"fan {name}")
        self.listener = private_key("listener", name)
        self.device = private_key("device", name)
        self.books = Books()
        self.stopping = False
        self._line: HostLine | None = None
        self._number = 0
        self._sequences: dict[bytes, int] = {}

    async def run(self) -> None:
        """Listen until told to stop."""
        while not self.stopping:
            try:
                await self.play()
            except GomaaError as error:
                self.books.codes[error.code] += 1
            await asyncio.sleep(1 + self.dice.random() * 5)

    async def play(self) -> None:
        """Hear one song, or part of it."""
        content = self.dice.choice(sorted(self.songs))
        length_s = self.songs[content] * self.dice.choice((0.3, 0.8, 1.0))
        session = self.session()
        ticket = await self.ticket(session, content)
        await self.open(session, ticket)
        began_s = self.now_s()
        if not await self.act(ticket, "play", 0, grant=True):
            return
        position_s = 0.0
        while position_s < length_s and not self.stopping:
            await asyncio.sleep(min(RENEW_S, length_s - position_s))
            position_s = min(length_s, self.now_s() - began_s)
            if not await self.act(ticket, "renew", int(position_s * 1000)):
                break
        self.books.heard_s += position_s
        await self.act(ticket, "stop", int(position_s * 1000))
        await self.fetch()

    def session(self) -> Signed[Session]:
        """A session of this hour, with a payee of its own, or with the band's address where the fan names it now and then."""
        now_s = int(self.now_s())
        hour = now_s // 60
        payee = address_of(private_key("payee", self.name, hour))
        if self.band is not None and self.dice.random() < 0.5:
            # Its rewards go into a leaf that is the band's, too.
            payee = self.band
        else:
            self.books.payees.add(payee)
        times = {"not_before": now_s - 5, "not_after": now_s + 3_600}
        people = {"station": self.station.address, "listener": address_of(self.listener), "device": address_of(self.device)}
        return sign(Session(**people, payee=payee, **times), self.domain, self.listener)

    async def ticket(self, session: Signed[Session], content: bytes) -> Signed[Ticket]:
        """Ask the station for a ticket."""
        found: Signed[Ticket] = await self.network.carry(
            self.name, lambda: self.station.ask(lambda station: station.desk.issue(session, content))
        )
        return found

    async def open(self, session: Signed[Session], ticket: Signed[Ticket]) -> None:
        """Show session and ticket to the server."""
        if self.books.first_s is None:
            self.books.first_s = self.now_s()
        result = await self.ask("open", session=session.to_json(), ticket=ticket.to_json(), tracking=True)
        self._sequences[digest(session.message, self.domain)] = result["sequence"]

    def invocation(self, ticket: Signed[Ticket], action: str, position_ms: int, time_ms: int | None = None) -> Signed[Invocation]:
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
        self, ticket: Signed[Ticket], action: str, position_ms: int, *, time_ms: int | None = None, grant: bool = False, tries: int = 20
    ) -> bool:
        """Report an action until the server has it; whether it was counted."""
        one = self.invocation(ticket, action, position_ms, time_ms)
        self.books.last_s = self.now_s()
        for _ in range(tries):
            try:
                if grant:
                    await self.ask("grant", invocation=one.to_json(), first=0, count=4, key=to_b64(EXCHANGE[1]))
                    return True
                answer = await self.ask("report", invocations=[one.to_json()])
                for refused in answer["refused"]:
                    self.books.codes[refused["code"]] += 1
                return not answer["refused"]
            except Unavailable:
                await asyncio.sleep(0.5 + self.dice.random())
            except GomaaError as error:
                self.books.codes[error.code] += 1
                return False
        return False

    async def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """One operation at the server, over a line that is made anew where it broke."""

        async def deliver() -> dict[str, Any]:
            if self._line is None or self._line._process is not self.server.process:
                self._line = self.server.line()
                await self._hello(self._line)
            self._number += 1
            try:
                return await self._line.ask({"id": self._number, "op": op, **fields})
            except Unavailable:
                self._line = None
                raise

        reply = await self.network.carry(self.name, deliver)
        self._hear()
        if not reply["ok"]:
            raise GomaaError(reply["error"]["code"], **reply["error"].get("detail", {}))
        return dict(reply["result"])

    async def _hello(self, line: HostLine) -> None:
        time_ms = int(self.now_s() * 1000)
        signature = to_hex(sign_digest(self.device, hello_digest(self.server.keys.address, time_ms)))
        hello = {"device": to_hex(address_of(self.device)), "time_ms": time_ms, "signature": signature}
        reply = await line.ask({"id": 0, "op": "hello", "protocol": 1, **hello})
        if not reply["ok"]:
            self._line = None
            raise Unavailable("server.unreachable", reason=reply["error"]["code"])

    def _hear(self) -> None:
        if self._line is not None:
            for event in self._line.drain():
                if event.get("event") == "receipt":
                    self.keep(Signed.from_json(Receipt, event["receipt"]))

    def keep(self, receipt: Signed[Receipt]) -> None:
        """Keep the highest receipt of each payee and epoch. Raises GomaaError for one that the server did not sign."""
        require_signer(receipt, self.domain, self.server.keys.address, "receipt.signature")
        message = receipt.message
        if message.payee not in self.books.payees or not message.amount:
            return
        key = (message.epoch, message.payee)
        self.books.seen[(*key, message.amount)] = receipt
        if key not in self.books.receipts or self.books.receipts[key].message.amount < message.amount:
            self.books.receipts[key] = receipt

    async def fetch(self) -> None:
        """Ask for the receipts of this fan's payees."""
        payees = [to_hex(payee) for payee in sorted(self.books.payees)]
        answer = await self.ask("receipts", payees=payees, since_epoch=0)
        for item in answer["receipts"]:
            self.keep(Signed.from_json(Receipt, item["receipt"]))


class Farmer(Fan):
    """A patched host of one listener key: tickets beside each other, times and positions as it likes, keys without listening."""

    async def play(self) -> None:
        """Open several tickets and report whatever may pay."""
        content = self.dice.choice(sorted(self.songs))
        tickets = []
        for _ in range(self.dice.randint(1, 4)):
            session = self.session()
            ticket = await self.ticket(session, content)
            await self.open(session, ticket)
            tickets.append(ticket)
        shift_ms = self.dice.choice((0, 0, 3_000, 20_000, -20_000, -60_000))
        for ticket in tickets:
            await self.act(ticket, "play", 0, time_ms=self._time(shift_ms), grant=self.dice.random() < 0.5, tries=2)
        for _ in range(self.dice.randint(2, 8)):
            await asyncio.sleep(self.dice.random() * 6)
            for ticket in tickets:
                action = self.dice.choice(("renew", "renew", "renew", "pause", "resume", "seek"))
                position_ms = self.dice.randint(0, int(self.songs[content] * 1500))
                await self.act(ticket, action, position_ms, time_ms=self._time(shift_ms), tries=2)
            shift_ms += self.dice.choice((0, 5_000, 30_000))
        for ticket in tickets:
            await self.act(ticket, "stop", int(self.songs[content] * 1000), time_ms=self._time(shift_ms), tries=2)
        await self.fetch()

    def _time(self, shift_ms: int) -> int:
        return max(0, int(self.now_s() * 1000) + shift_ms)
