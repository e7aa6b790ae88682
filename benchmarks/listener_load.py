"""Listeners in real time: a child process with many connections, each of which plays as extension and host do.

A listener asks the station for a ticket, opens it with a lease, plays, renews at the end of each interval, fetches the
next lease ahead, stops at the end of the song and begins again. Everything is signed when it is sent. Keys are not
unwrapped and receipts not verified: that costs only the listener's own computer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final

import aiohttp

from common.http_limits import allow_files
from pywallet.crypto import address_of, keccak256
from pywallet.crypto import sign as sign_digest
from pywallet.crypto.key_wrap import generate_keypair
from pywallet.encoding.hex import to_b64, to_hex
from pywallet.protocol import Action, Domain, Invocation, Session, Signed, Ticket, digest, hello_digest, sign
from pywallet.rules.key_window import Window

CONNECTIONS: Final = 20_000
OPENED_AT_ONCE: Final = 16
"""Listeners that connect at the same time."""
RENEW_MS: Final = 10_000
"""Longest time between two reports (``extension/engine/playback/invocation_client.js``)."""
AFTER_INTERVAL_MS: Final = 100
"""Time after the end of an interval at which it is reported (the same file)."""
HELLO_STEP_MS: Final = 60_000
"""Resolution of a greeting's time (``native_host/remote/server.py``)."""
AHEAD_MS: Final = 30_000
"""A lease that covers less song is renewed (``native_host/playback/lease_manager.py``)."""
MOST_KEYS: Final = 256
"""Most keys of one lease request (the same file)."""
GOLDEN: Final = 0.6180339887498949
"""Multiples of it modulo 1 are spread evenly, however many they are."""


@dataclass(frozen=True)
class Scene:
    """Places, song and terms of a measurement.

    Attributes:
        server_url: The security server.
        station_url: The station; empty: an echo that only takes reports.
        server: Address of the security server, 20 bytes.
        station: Address of the station, 20 bytes.
        content: Address of the song, 20 bytes.
        domain: EIP-712 domain.
        starts_ms: Start of each segment, and the end of the song, milliseconds.
        interval_ms: Length of a paid interval, milliseconds.
        window_ms: Song that a lease covers, milliseconds.
        budget: Actions that a lease covers.
    """

    server_url: str
    station_url: str
    server: bytes
    station: bytes
    content: bytes
    domain: Domain
    starts_ms: tuple[int, ...]
    interval_ms: int
    window_ms: int
    budget: int


@dataclass
class Tally:
    """Counts of the listeners of a process during a measurement.

    Attributes:
        reports_ms: Time from each report to its answer, and the age of those that are unanswered, milliseconds.
        answered: Answered requests by operation, and received events by name.
        refused: Refusals by code.
        lost: Connections that ended.
    """

    reports_ms: list[float] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    lost: int = 0


class Lost(Exception):
    """The connection has ended."""


class _Load:
    """All listeners of this process."""

    def __init__(self, scene: Scene, http: aiohttp.ClientSession) -> None:
        self.scene, self.http = scene, http
        self.tally = Tally()
        self.waiting: dict[int, float] = {}
        self._slots = asyncio.Semaphore(OPENED_AT_ONCE)
        self._tasks: list[asyncio.Task[None]] = []

    async def connect(self, first: int, count: int) -> int:
        """Add listeners; returns once each has its first lease, with the number of those that have."""
        ready = [asyncio.get_running_loop().create_future() for _ in range(count)]
        self._tasks += [asyncio.create_task(self._listen(first + n, one)) for n, one in enumerate(ready)]
        return sum(await asyncio.gather(*ready))

    async def measure(self, seconds: float) -> Tally:
        """Counts of so many seconds from now on."""
        self.tally, self.waiting = Tally(), {}
        await asyncio.sleep(seconds)
        now = time.perf_counter()
        self.tally.reports_ms += [(now - sent) * 1000 for sent in self.waiting.values()]
        return self.tally

    async def close(self) -> None:
        """End every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self, number: int, ready: asyncio.Future[bool]) -> None:
        try:
            async with self._slots:
                socket = await self.http.ws_connect(self.scene.server_url, max_msg_size=4 << 20)
                kind = _Listener if self.scene.station_url else _Echoed
                listener = kind(self, number, socket)
                reader = asyncio.create_task(listener.read())
                await listener.begin()
            ready.set_result(True)
            try:
                await listener.run()
            finally:
                reader.cancel()
        except (Lost, aiohttp.ClientError, OSError, TimeoutError):
            self.tally.lost += 1
        finally:
            if not ready.done():
                ready.set_result(False)


class _Host:
    """One connection and its device."""

    def __init__(self, load: _Load, number: int, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.load, self.number, self.socket = load, number, socket
        self.key = keccak256(b"device %d" % number)
        self.share = number * GOLDEN % 1
        self._next = 0
        self._pending: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._offset_ms = 0

    async def begin(self) -> None:
        """Requests before the play."""

    async def run(self) -> None:
        """Play until cancelled."""

    def now_ms(self) -> int:
        """The server's clock, Unix milliseconds."""
        return time.monotonic_ns() // 1_000_000 + self._offset_ms

    async def read(self) -> None:
        """Give each answer to its request, and count events."""
        async for message in self.socket:
            frame = json.loads(message.data)
            if "event" in frame:
                self.load.tally.answered[frame["event"]] += 1
            elif (future := self._pending.pop(frame["id"], None)) is not None and not future.done():
                future.set_result(frame)
        for future in self._pending.values():
            if not future.done():
                future.set_exception(Lost())
        self._pending.clear()

    async def ask(self, op: str, **fields: Any) -> dict[str, Any] | None:
        """The result of an operation; None where it is refused."""
        if self.socket.closed:
            raise Lost
        self._next += 1
        future = self._pending[self._next] = asyncio.get_running_loop().create_future()
        try:
            await self.socket.send_str(json.dumps({"id": self._next, "op": op, **fields}))
        except ConnectionError:
            raise Lost from None
        return self.take(op, await future)

    def take(self, op: str, answer: Mapping[str, Any]) -> dict[str, Any] | None:
        """Count an answer; its result, or None."""
        if answer.get("ok"):
            self.load.tally.answered[op] += 1
            result: dict[str, Any] = answer["result"]
            return result
        self.load.tally.refused[answer["error"]["code"]] += 1
        return None

    async def report(self, invocation: Signed[Invocation], **more: str) -> dict[str, Any] | None:
        """Report one action, and take the time."""
        begin = self.load.waiting[self.number] = time.perf_counter()
        result = await self.ask("report", invocations=[invocation.to_json()], **more)
        if self.load.waiting.pop(self.number, None) is not None:
            self.load.tally.reports_ms.append((time.perf_counter() - begin) * 1000)
        for refused in (result or {}).get("refused") or ():
            self.load.tally.refused[refused["code"]] += 1
        return result

    async def phase(self) -> None:
        """Wait for this listener's moment within the time between two reports."""
        await asyncio.sleep((self.share - time.monotonic() * 1000 / RENEW_MS) % 1 * RENEW_MS / 1000)


class _Echoed(_Host):
    """A connection to the echo: the reports of a listener and nothing else."""

    async def run(self) -> None:
        await self.phase()
        scene, sequence = self.load.scene, 0
        began = time.monotonic()
        while True:
            message = Invocation(
                session=self.key,
                ticket=self.key,
                content=scene.content,
                action=int(Action.of("renew")),
                position=sequence * RENEW_MS,
                sequence=sequence,
                time=time.time_ns() // 1_000_000,
            )
            signed = sign(message, scene.domain, self.key)
            await self.report(signed, digest=digest(message, scene.domain).hex())
            sequence += 1
            await asyncio.sleep(max(0.0, began + sequence * RENEW_MS / 1000 - time.monotonic()))


class _Listener(_Host):
    """A listener with a session, who plays the song again and again."""

    def __init__(self, load: _Load, number: int, socket: aiohttp.ClientWebSocketResponse) -> None:
        super().__init__(load, number, socket)
        self._sequence = 0
        self._covered = self._budget = 0

    async def begin(self) -> None:
        """Hello, session, ticket, lease."""
        scene, now_ms = self.load.scene, time.time_ns() // 1_000_000
        time_ms = now_ms - now_ms % HELLO_STEP_MS
        signature = to_hex(sign_digest(self.key, hello_digest(scene.server, time_ms)))
        hello = await self.ask(
            "hello", protocol=1, device=to_hex(address_of(self.key)), time_ms=time_ms, signature=signature
        )
        if hello is None:
            raise Lost
        self._offset_ms = hello["now_ms"] - time.monotonic_ns() // 1_000_000
        listener, payee = (keccak256(b"%s %d" % (name, self.number)) for name in (b"listener", b"payee"))
        now_s = self.now_ms() // 1000
        session = Session(
            station=scene.station,
            listener=address_of(listener),
            device=address_of(self.key),
            payee=address_of(payee),
            not_before=now_s - 5,
            not_after=now_s + 86_400,
        )
        self._session = sign(session, scene.domain, listener)
        if not await self._open():
            raise Lost

    async def run(self) -> None:
        """Songs, of which the first ends early, so that the ends of all listeners are spread over a song's length."""
        scene = self.load.scene
        await self.phase()
        part = self.number * GOLDEN * GOLDEN % 1
        intervals = scene.starts_ms[-1] // scene.interval_ms
        await self._play(max(1, int(part * intervals)) * scene.interval_ms)
        while True:
            while not await self._open():
                await asyncio.sleep(1)
            await self._play(scene.starts_ms[-1])

    async def _open(self) -> bool:
        scene = self.load.scene
        body = {"session": self._session.to_json(), "content": to_hex(scene.content)}
        async with self.load.http.post(f"{scene.station_url}/gomaa/tickets", json=body) as response:
            answer = await response.json()
        if "error" in answer:
            self.load.tally.refused[answer["error"]["code"]] += 1
            return False
        self._ticket = Signed.from_json(Ticket, answer["ticket"])
        self._id = digest(self._ticket.message, scene.domain)
        self._covered = 0
        opened = await self.ask(
            "open", session=self._session.to_json(), ticket=self._ticket.to_json(), lease=self._wish()
        )
        if opened is None:
            return False
        self._sequence = opened["sequence"]
        lease = opened["lease"]
        if lease["result"] is None:
            self.load.tally.refused[lease["error"]["code"]] += 1
        else:
            self._leased(lease["result"])
        return True

    def _wish(self) -> dict[str, Any]:
        """The keys of the next lease; a key pair of its own, as the host makes for each."""
        scene, first = self.load.scene, self._covered
        start_ms = scene.starts_ms[first]
        wanted = Window(start_ms, start_ms + scene.window_ms).clip(scene.starts_ms, first, MOST_KEYS)
        return {"first": first, "count": max(1, len(wanted)), "key": to_b64(generate_keypair()[1])}

    def _leased(self, result: Mapping[str, Any]) -> None:
        self._covered += len(result["keys"])
        self._budget = result["budget"]

    async def _play(self, end_ms: int) -> None:
        """From the press to a position, milliseconds."""
        scene, began_ms = self.load.scene, self.now_ms()
        action, position_ms = "play", 0
        while True:
            await self._act(action, position_ms)
            if position_ms >= end_ms:
                return
            await self._lease_ahead(position_ms)
            until_ms = scene.interval_ms - position_ms % scene.interval_ms + AFTER_INTERVAL_MS
            wait_ms = RENEW_MS if until_ms > RENEW_MS + 1_000 else until_ms
            moment_ms = min(began_ms + end_ms, began_ms + position_ms + wait_ms)
            await asyncio.sleep(max(0, moment_ms - self.now_ms()) / 1000)
            position_ms = min(end_ms, self.now_ms() - began_ms)
            action = "renew" if position_ms < end_ms else "stop"

    async def _act(self, action: str, position_ms: int) -> None:
        self._sequence += 1
        self._budget -= 1
        message = Invocation(
            session=self._ticket.message.session,
            ticket=self._id,
            content=self.load.scene.content,
            action=int(Action.of(action)),
            position=position_ms,
            sequence=self._sequence,
            time=self.now_ms(),
        )
        await self.report(sign(message, self.load.scene.domain, self.key))

    async def _lease_ahead(self, position_ms: int) -> None:
        scene = self.load.scene
        is_whole = self._covered >= len(scene.starts_ms) - 1
        short = not is_whole and scene.starts_ms[self._covered] - position_ms < min(AHEAD_MS, scene.window_ms // 2)
        if not (short or self._budget <= scene.budget // 4):
            return
        if is_whole:
            self._covered -= 1
        result = await self.ask("lease", ticket=to_hex(self._id), **self._wish())
        if result is not None:
            self._leased(result)


def simulate(commands: Connection, scene: Scene) -> None:
    """Be a child process: execute ``(name, *arguments)`` of a pipe, and send each result.

    Args:
        commands: The pipe; ``connect``, ``measure``, ``close``.
        scene: Where and what is played.
    """
    allow_files(CONNECTIONS)
    asyncio.run(_execute(commands, scene))


async def _execute(commands: Connection, scene: Scene) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as http:
        load = _Load(scene, http)
        kinds: dict[str, Callable[..., Awaitable[Any]]] = {"connect": load.connect, "measure": load.measure}
        with contextlib.suppress(EOFError):
            while True:
                name, *arguments = await asyncio.to_thread(commands.recv)
                if name == "close":
                    break
                commands.send(await kinds[name](*arguments))
        await load.close()
    commands.close()
