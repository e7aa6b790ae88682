"""Patched hosts that follow a strategy (``farm_strategies``) against the real server and station."""

from __future__ import annotations

import contextlib
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from messages.host_server.playback import GrantRequest, LeaseWish, Open, Report
from pywallet.crypto import address_of, keccak256
from pywallet.crypto.key_wrap import generate_keypair
from pywallet.encoding.hex import to_b64
from pywallet.errors import GomaaError
from pywallet.protocol import (
    Action,
    Invocation,
    Session,
    Signed,
    Ticket,
    digest,
    sign,
)
from tests.integration.farm_strategies import STEP_MS, STEPS, Strategy
from tests.integration.farm_world import DOMAIN, SEGMENT_MS, SONG_MS, STATION, FarmWorld

SETTLE_MS: Final = 10_000
_KEY: Final = to_b64(generate_keypair()[1])


@dataclass(frozen=True)
class Gain:
    """Result of a strategy. Amounts in wei, times in milliseconds.

    ``keys_ms``: duration whose keys were received, by content; ``heard_ms`` and ``seeks``: what the server counted.
    ``longest_ms``: the longest heard time of one ticket. ``refused``: answers that were a code.
    """

    strategy: Strategy
    reward: int
    elapsed_ms: int
    keys_ms: dict[bytes, int]
    heard_ms: dict[bytes, int]
    seeks: dict[bytes, int]
    longest_ms: int
    refused: int


@dataclass
class _Play:
    """One ticket under way."""

    ticket: Signed[Ticket]
    session: int
    number: int
    """From 0, of all that the bot has opened."""
    opened_ms: int
    later: list[tuple[str, int, int]] = field(default_factory=list)
    """Action, position and time of what is signed and told at the end, one play after the other."""
    begun: bool = False
    paused: bool = False
    step: int = 0


class Bot:
    """One listener key and its patched hosts."""

    def __init__(self, world: FarmWorld, strategy: Strategy) -> None:
        self.world, self.strategy = world, strategy
        self.draw = random.Random(strategy.seed)
        self.key = keccak256(b"listener " + strategy.name.encode())
        self.listener = address_of(self.key)
        self.devices = [keccak256(b"device %d " % n + strategy.name.encode()) for n in range(strategy.sessions)]
        self.sessions = [self._session(n) for n in range(strategy.sessions)]
        self.sequences = [0] * strategy.sessions
        self.keys: dict[bytes, set[int]] = defaultdict(set)
        self.waiting: dict[int, list[Signed[Invocation]]] = defaultdict(list)
        self.sent: list[tuple[int, Signed[Invocation]]] = []
        self.plays: list[_Play] = []
        self.serial: list[_Play] = []
        self.opened = 0
        self.refused = 0

    async def run(self) -> Gain:
        """Run the strategy; return its result."""
        world, strategy = self.world, self.strategy
        first_ms = world.clock.ms
        await self._fill()
        hoard = [play for n in range(strategy.hoard) if (play := await self._open(n)) is not None]
        for step in range(STEPS + 1):
            if step:
                world.clock.ms += STEP_MS
            if strategy.reopen and step and step % strategy.reopen == 0:
                for play in self.plays:
                    await self._end(play)
                self.plays.clear()
                await self._fill()
            for play in self.plays:
                await self._step(play)
            if strategy.reports == "burst" and step % 12 == 11:
                await self._flush()
            if world.clock.ms - world.settled_ms >= SETTLE_MS:
                await world.settle()
        for play in self.plays:
            await self._end(play)
        await self._flush()
        elapsed_ms = world.clock.ms - first_ms
        # At the end: every message is sent once more, and everything that was opened is requested once more.
        for play in [*self.plays, *hoard]:
            await self._lease(play, 0)
        for session, message in self.sent[-20:]:
            await self._grant(session, message, self.draw.randrange(0, SONG_MS // SEGMENT_MS, 8))
        for _ in range(2):
            world.clock.ms += SETTLE_MS
            await world.settle()
        heard = {content: await world.heard_ms(self.listener, content) for content in [world.songs[strategy.song]]}
        return Gain(
            strategy,
            await world.paid(self.listener),
            elapsed_ms,
            {content: len(found) * SEGMENT_MS for content, found in self.keys.items()},
            {content: sum(plays) for content, (plays, _) in heard.items()},
            {content: seeks for content, (_, seeks) in heard.items()},
            max((length for plays, _ in heard.values() for length in plays), default=0),
            self.refused,
        )

    # one play

    async def _fill(self) -> None:
        for n in range(self.strategy.tickets):
            if (play := await self._open(n)) is not None:
                self.plays.append(play)

    async def _open(self, n: int) -> _Play | None:
        world, session = self.world, n % self.strategy.sessions
        self.opened += 1
        try:
            signed = self.sessions[session]
            ticket = await world.station.issuer.issue(signed, world.songs[self.strategy.song])
            await world.admission.open(self._device(session), Open(0, signed.to_json(), ticket.to_json()))
        except GomaaError:
            self.refused += 1
            return None
        play = _Play(ticket, session, self.opened - 1, world.clock.ms)
        if self.strategy.reports == "serial":
            self.serial.append(play)
        if self.strategy.asks == "lease":
            await self._lease(play, 0)
        return play

    async def _step(self, play: _Play) -> None:
        strategy, action = self.strategy, "renew"
        position = self._position(play)
        if not play.begun:
            action, play.begun = strategy.start, True
            position = self.draw.randrange(SONG_MS) if strategy.positions == "random" else 0
        elif strategy.asks == "paused" and play.step == 1:
            action, play.paused = "pause", True
        elif strategy.jumps == "storm" or (strategy.jumps == "seek" and play.step % 4 == 3):
            action, position = "seek", self.draw.randrange(SONG_MS)
        elif strategy.jumps == "back" and play.step % 3 == 2:
            action, position = self.draw.choice(("seek", "rewind")), 0
        elif strategy.jumps == "rate" and play.step == 1:
            action = "rate"
        if strategy.reports == "serial":
            play.later.append((action, position, max(0, self._time(play))))
            play.step += 1
            return
        message = self._sign(play, action, position, max(0, self._time(play)))
        play.step += 1
        online = strategy.reports == "online" or action in ("play", "preview", "seek")
        if not online:
            self.waiting[play.session].append(message)
        elif strategy.asks == "lease":
            await self._report(play.session, [message])
        else:
            await self._grant(play.session, message, self._first(play, position))
        if strategy.asks == "lease":
            await self._lease(play, self._first(play, position))
        if strategy.asks == "replay":
            session, old = self.draw.choice(self.sent)
            await self._grant(session, old, self.draw.randrange(0, SONG_MS // SEGMENT_MS, 8))

    async def _end(self, play: _Play) -> None:
        if self.strategy.ending != "silent":
            if self.strategy.reports == "serial":
                play.later.append((self.strategy.ending, self._position(play), max(0, self._time(play))))
                return
            ending = self._sign(play, self.strategy.ending, self._position(play), max(0, self._time(play)))
            if self.strategy.reports == "online":
                await self._report(play.session, [ending])
            else:
                self.waiting[play.session].append(ending)

    def _time(self, play: _Play) -> int:
        now, step = self.world.clock.ms, play.step
        return {
            "true": now,
            "early": play.opened_ms - 120_000 + step * STEP_MS,
            "ahead": now + 59_000,
            # Each play has minutes of its own that were over before it was opened, one play after the other.
            "past": play.opened_ms - 7_000_000 + (play.number * (STEPS + 1) + step) * STEP_MS,
            "own": play.opened_ms - 240_000 * (play.ticket.message.number % 5) + step * STEP_MS,
            "spread": play.opened_ms + step * 15_000,
            "wild": now + self.draw.randrange(-120_000, 60_000),
            "late": play.opened_ms + step * 1_000,
        }[self.strategy.times]

    def _position(self, play: _Play) -> int:
        rate = 2 if self.strategy.jumps == "rate" and self.strategy.song == "rated" else 1
        true = min(SONG_MS, play.step * STEP_MS * rate)
        return {
            "true": true,
            "on": play.step * STEP_MS * rate,
            "fast": true * 10,
            "zigzag": 15_000 * (play.step % 2),
            "beyond": 1 << 40,
            "still": 0,
            "random": self.draw.randrange(2 * SONG_MS),
        }[self.strategy.positions]

    def _first(self, play: _Play, position: int) -> int:
        if self.strategy.asks in ("all", "paused"):
            return play.step * 16 % (SONG_MS // SEGMENT_MS)
        if self.strategy.asks == "random":
            return self.draw.randrange(0, SONG_MS // SEGMENT_MS, 4)
        return min(position, SONG_MS) // SEGMENT_MS

    # one message

    def _device(self, session: int) -> bytes:
        return address_of(self.devices[session])

    def _session(self, n: int) -> Signed[Session]:
        now_s = self.world.clock.ms // 1000
        payee = keccak256(b"payee %d " % (n % self.strategy.payees) + self.strategy.name.encode())[:20]
        return sign(
            Session(STATION, self.listener, self._device(n), payee, now_s - 7_200, now_s + 7_200), DOMAIN, self.key
        )

    def _sign(self, play: _Play, action: str, position: int, time_ms: int) -> Signed[Invocation]:
        self.sequences[play.session] += 1
        message = Invocation(
            session=play.ticket.message.session,
            ticket=digest(play.ticket.message, DOMAIN),
            content=play.ticket.message.content,
            action=int(Action.of(action)),
            position=position,
            sequence=self.sequences[play.session],
            time=time_ms,
        )
        signed = sign(message, DOMAIN, self.devices[play.session])
        self.sent.append((play.session, signed))
        return signed

    async def _grant(self, session: int, message: Signed[Invocation], first: int) -> None:
        # Queued invocations go first: the server accepts a session's numbers in ascending order only.
        await self._report(session, self.waiting.pop(session, []))
        await self._keys(
            message.message.content, self.world.playing.grant(self._device(session), self.request(message, first))
        )

    def request(self, message: Signed[Invocation], first: int) -> GrantRequest:
        """Request keys from a segment on."""
        return GrantRequest(0, message.to_json(), first, 64, _KEY)

    async def _lease(self, play: _Play, first: int) -> None:
        identity, wish = digest(play.ticket.message, DOMAIN), LeaseWish(first, 256, _KEY)
        asked = self.world.playing.lease(self._device(play.session), identity, wish)
        await self._keys(play.ticket.message.content, asked)

    async def _keys(self, content: bytes, asked: Any) -> None:
        try:
            answer = await asked
        except GomaaError:
            self.refused += 1
            return
        self.keys[content] |= {index for index, _ in answer.keys}

    async def _report(self, session: int, messages: Sequence[Signed[Invocation]]) -> None:
        if messages:
            with contextlib.suppress(GomaaError):
                request = Report(0, [message.to_json() for message in messages])
                self.refused += len((await self.world.playing.report(self._device(session), request)).refused)

    async def _flush(self) -> None:
        for session in list(self.waiting):
            await self._report(session, self.waiting.pop(session))
        for play in self.serial:
            await self._report(play.session, [self._sign(play, *told) for told in play.later])
        self.serial.clear()
