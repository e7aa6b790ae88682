"""Hosts that play through several server processes, and what has to be stored of their plays."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pywallet.crypto import address_of
from pywallet.errors import GomaaError, Unavailable
from pywallet.protocol import Action, Invocation, Session, Signed, Ticket, digest, sign
from tests.integration.server_client import GONE, HostClient
from tests.integration.server_songs import Upload
from tests.integration.server_world import World, private_key

ANSWER_S: Final = 3.0
"""Time after which a host asks another process, seconds."""
PACE_S: Final = 1.0
"""Time between two invocations of a play, seconds, and the sound between them."""
LEAD_S: Final = 2
"""Time from a ticket's opening to its play, seconds: the server meters nothing before the opening, by its own clock."""
AGE_S: Final = 3
"""How long ago an invocation was signed when it is reported, seconds: the chain's clock may be behind."""
MOST_S: Final = 40
"""Longest play, seconds."""


@dataclass
class Play:
    """One play, which is complete once everything in it is acknowledged.

    Attributes:
        session: Of this play alone, with a listener of its own.
        ticket: The ticket.
        begun_ms: Time of its first invocation, Unix milliseconds.
        acknowledged: Digests of the invocations.
        heard_ms: Position of the last one.
    """

    session: Signed[Session]
    ticket: Signed[Ticket]
    begun_ms: int = 0
    acknowledged: set[bytes] = field(default_factory=set)
    heard_ms: int = 0


@dataclass
class Record:
    """Answers that the hosts got.

    Attributes:
        plays: Every play that was begun.
        payees: Payee to its private key.
        refusals: By code; there is no reason for any.
        lost: Requests without an answer, or answered ``server.database.busy``.
    """

    plays: list[Play] = field(default_factory=list)
    payees: dict[bytes, bytes] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    @property
    def acknowledged(self) -> int:
        """Number of acknowledged invocations."""
        return sum(len(play.acknowledged) for play in self.plays)


class ChaosHost:
    """A host that plays in a loop, goes to the next process where its own does not answer, and resends the same bytes.

    Attributes:
        connected: Number of the process that it is connected to; None: it is connecting.
        answers: Of each acknowledgement the times of the first request and of the answer (monotonic, seconds), and the
            number of the process.
    """

    def __init__(
        self, world: World, song: Upload, urls: Sequence[str], number: int, record: Record, first: int | None = None
    ) -> None:
        self._world, self._song, self._urls, self._number, self._record = world, song, urls, number, record
        self._dice = random.Random(number)
        self._key = private_key(f"device {number}")
        self._next = number if first is None else first
        self._count = 0
        self.connected: int | None = None
        self.answers: list[tuple[float, float, int]] = []
        self.is_ending = False
        self._client: HostClient | None = None
        self._opened: Play | None = None

    async def run(self) -> None:
        """Play until ``is_ending``; everything that was signed is acknowledged then."""
        while not self.is_ending:
            await self._play()

    async def open(self) -> Play:
        """A new play, whose ticket is open."""
        world = self._world
        self._count += 1
        name = f"listener {self._number}, play {self._count}"
        now_s = int(time.time())
        # One payee for a host: its leaf grows from play to play.
        key = private_key(f"payee {self._number}")
        self._record.payees[address_of(key)] = key
        session = world.session(address_of(self._key), now_s, name, address_of(key))
        play = Play(session, world.ticket(self._song, session, now_s))
        self._record.plays.append(play)
        await self._report(play, [])
        play.begun_ms = time.time_ns() // 1_000_000 + LEAD_S * 1000
        return play

    async def invoke(self, play: Play) -> None:
        """Report the play's next invocation, with no regard to time."""
        await self._report(play, [self._invocation(play, len(play.acknowledged))])

    def turn(self) -> None:
        """Go to the next process."""
        self._next += 1

    async def _play(self) -> None:
        # Back to its own process, which may live again.
        await self.leave()
        self._next = self._number
        play = await self.open()
        began = time.monotonic() + LEAD_S + AGE_S
        length = self._dice.uniform(3, MOST_S)
        pending: list[Signed[Invocation]] = []
        steps = 0
        while True:
            wanted = math.floor((time.monotonic() - began) / PACE_S)
            is_over = self.is_ending or wanted * PACE_S > length
            while not is_over and steps <= wanted:
                pending.append(self._invocation(play, steps))
                steps += 1
            if pending:
                await self._report(play, pending)
                pending = []
            elif is_over:
                return
            else:
                await asyncio.sleep(PACE_S / 5)

    async def _report(self, play: Play, pending: list[Signed[Invocation]]) -> None:
        """Open the ticket and report, until every invocation is acknowledged."""
        domain, asked = self._world.deployment.domain, time.monotonic()
        while (answer := await self._ask(play, pending)) is None:
            pass
        assert self.connected is not None
        self.answers.append((asked, time.monotonic(), self.connected))
        for code in answer:
            self._record.refusals[code] += 1
        play.acknowledged |= {digest(one.message, domain) for one in pending}
        if pending:
            play.heard_ms = pending[-1].message.position

    async def _ask(self, play: Play, pending: list[Signed[Invocation]]) -> list[str] | None:
        """Codes of the refused ones; None: no answer, and another process is next."""
        try:
            async with asyncio.timeout(ANSWER_S):
                host = await self._host(play)
                refused = (await host.report(*pending))["refused"] if pending else []
        except Unavailable as error:
            self._record.lost[error.code] += 1
        except GomaaError as error:
            # The client raises every code as GomaaError.
            if error.code != "server.database.busy":
                self._record.refusals[error.code] += 1
            self._record.lost[error.code] += 1
        except GONE as error:
            self._record.lost[type(error).__name__] += 1
        else:
            return [one["code"] for one in refused]
        await self.leave()
        self.turn()
        await asyncio.sleep(0.05)
        return None

    async def _host(self, play: Play) -> HostClient:
        """A connection on which the play's ticket is open."""
        number = self._next % len(self._urls)
        if self._client is None:
            world = self._world
            client = HostClient(self._urls[number], world.keys.address, world.deployment.domain, self._key)
            await client.__aenter__()
            self._client = client
            await client.hello(time.time_ns() // 1_000_000)
            self.connected = number
        if self._opened is not play:
            await self._client.open(play.session, play.ticket)
            self._opened = play
        return self._client

    async def leave(self) -> None:
        """Drop the connection without a farewell, for which a stopped process would be waited for."""
        client, self._client, self._opened, self.connected = self._client, None, None, None
        if client is not None:
            client._reader.cancel()
            client.socket._response.close()
            with contextlib.suppress(*GONE):
                await client._http.close()

    def _invocation(self, play: Play, step: int) -> Signed[Invocation]:
        domain, at_ms = self._world.deployment.domain, int(step * PACE_S * 1000)
        message = Invocation(
            session=digest(play.session.message, domain),
            ticket=digest(play.ticket.message, domain),
            content=play.ticket.message.content,
            action=int(Action.of("renew" if step else "play")),
            position=at_ms,
            sequence=step + 1,
            time=play.begun_ms + at_ms,
        )
        return sign(message, domain, self._key)
