"""Fans whose host is the product's.

Its service, ledger and lines, asked as the browser asks, killed and started over the same files.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from native_host.context import Services, open_services
from native_host.extension_events import Emit
from native_host.messaging.dispatcher import Dispatcher
from native_host.paths import Paths
from pywallet.encoding.hex import from_hex, to_b64
from pywallet.errors import GomaaError, Unavailable
from pywallet.protocol import (
    Receipt,
    Signed,
    Ticket,
    digest,
)
from tests.host_messages import part_of
from tests.simulation.fans import EXCHANGE, MOVED, Fan, Played, private_key
from tests.simulation.network import Network
from tests.simulation.servers import SecurityServer
from tests.simulation.virtual import PROCESS, Process

if TYPE_CHECKING:
    from tests.simulation.world import World

ORIGIN: Final = "https://radio.example"
STREAM: Final = "player"
AGAIN: Final = (MOVED, "ticket.mismatch")
"""Codes after which the station is asked for another ticket: the content's server is another one now."""


class HostSocket:
    """A host's WebSocket to a server (``websockets.connect``).

    Frames in order, until one is lost and the line with it.
    """

    def __init__(self, network: Network, server: SecurityServer) -> None:
        self._network, self._server = network, server
        process = PROCESS.get()
        assert process is not None
        self._process = process
        self._dice = network.dice(f"socket {process.name.partition(',')[0]}")
        self._sent: asyncio.Queue[str] = asyncio.Queue()
        self._frames: asyncio.Queue[str | None] = asyncio.Queue()
        self._closed = False
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> HostSocket:
        await self._delay()
        self._line = self._server.line()
        self._at = self._server.process
        assert self._at is not None
        for process in (self._at, self._process):
            process.on_kill.append(self.disconnect)
        self._tasks = [asyncio.create_task(work) for work in (self._ask(), self._receive())]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.disconnect()
        for task in self._tasks:
            task.cancel()

    async def send(self, text: str) -> None:
        """A frame for the server. Raises OSError where the line is gone."""
        if self._closed:
            raise OSError("the line is gone")
        self._sent.put_nowait(text)

    def __aiter__(self) -> HostSocket:
        return self

    async def __anext__(self) -> str:
        if (text := await self._frames.get()) is None:
            raise StopAsyncIteration
        return text

    def disconnect(self) -> None:
        """Break the line."""
        if not self._closed:
            self._closed = True
            self._frames.put_nowait(None)
            self._line.leave()

    async def _delay(self) -> bool:
        """Let a frame travel; whether it arrives."""
        await asyncio.sleep(self._dice.random() * self._network.faults.delay_s)
        return self._dice.random() >= self._network.faults.lost / 2

    async def _ask(self) -> None:
        while True:
            text = await self._sent.get()
            if not await self._delay() or self._server.process is not self._at:
                break
            try:
                await self._server._run(self._line._handle(text))
            except Unavailable:
                break
        self.disconnect()

    async def _receive(self) -> None:
        while (text := await self._line.line.frames.get()) is not None and await self._delay():
            self._frames.put_nowait(text)
        self.disconnect()


def connector(world: World) -> Any:
    """``chain.transport.NoRedirectConnect`` to the servers of a world."""

    def connect(url: str, **_: Any) -> HostSocket:
        origin = "http" + url.removeprefix("ws").removesuffix("/v1/host")
        address = next(address for address, known in world.urls.items() if known == origin)
        return HostSocket(world.network, world.servers[address])

    return connect


class HostFan(Fan):
    """An honest listener with the product's host.

    Attributes:
        starts: How often the host was started.
    """

    def prepare(self, world: World) -> HostFan:
        """Install the host in a folder of its own."""
        self._deployment, self._headers = world.deployment, world.headers
        self._paths = Paths(world.folder / self.name / "data", world.folder / self.name / "config").make()
        self._paths.device_key.touch(mode=0o600)
        self._paths.device_key.write_text(private_key("device", self.name).hex())
        self._process: Process | None = None
        self._host: Services | None = None
        self._replies: dict[int, dict[str, Any]] = {}
        self._tickets: dict[bytes, tuple[bytes, int]] = {}
        self.starts = 0
        return self

    @property
    def ledger(self) -> Path:
        """The host's ledger."""
        return self._paths.ledger

    async def run(self) -> None:
        """See Fan."""
        await self.start()
        await super().run()

    async def start(self) -> None:
        """Start the host over its files, as the browser does."""
        self.starts += 1
        self._process = process = Process(f"host of {self.name}, start {self.starts}")

        def make(emit: Emit) -> Services:
            self._host = open_services(self._paths, emit, {self._deployment.chain_id: self._deployment})
            process.on_kill.append(self._host.ledger.close)
            return self._host

        self._service = Dispatcher(self._written, make)
        await self.request("hello", protocol=1)

    async def kill(self) -> None:
        """End the host at once."""
        if self._process is not None:
            await self._process.kill()
        self._process = None

    def _written(self, frame: bytes) -> None:
        message = msgspec.json.decode(frame[4:])
        if message.get("event") == "receipt":
            self._receipt(int(message["epoch"]), bytes.fromhex(message["payee"][2:]))
        elif "id" in message:
            self._replies[message["id"]] = message

    def _receipt(self, epoch: int, payee: bytes) -> None:
        assert self._host is not None
        for server in self.servers:
            row = self._host.ledger.receipt(server, epoch, payee)
            # The event names no server: the ledger may hold one of the other server that was set aside.
            if row is not None and (server, epoch, payee, row.amount_wei) not in self.records.aside:
                self.keep(Signed.from_json(Receipt, msgspec.json.decode(row.signed_json)))

    async def request(self, op: str, **fields: Any) -> dict[str, Any]:
        """A request of the browser. Raises what the host answers; Unavailable where the host does not run."""
        process = self._process
        if process is None:
            raise Unavailable("server.unreachable", reason="the host does not run")
        self._number += 1
        number = self._number
        body = msgspec.json.encode({"id": number, "op": op, **fields})
        try:
            await asyncio.shield(process.start(self._service.handle(body)))
        except asyncio.CancelledError:
            if process.dead:
                raise Unavailable("server.unreachable", reason="the host was killed") from None
            raise
        reply = self._replies.pop(number)
        if not reply["ok"]:
            raise GomaaError(reply["error"]["code"], **reply["error"]["detail"])
        return dict(reply["result"] or {})

    async def begin(self, content: bytes) -> Signed[Ticket] | None:
        """See Fan: the song is opened, a session shown, a ticket prepared, and the play invoked."""
        for _ in range(4):
            header = to_b64(self._headers[content])
            opened = await self.request("open", stream=STREAM, header=header, origin=ORIGIN, key=to_b64(EXCHANGE[1]))
            session = self.session(from_hex(opened["device"], 20))
            part_of((await self.request("prepare", stream=STREAM, session=session.to_json()))["session"])
            ticket = await self.ticket(session, content)
            if self.records.first_s is None:
                self.records.first_s = self.now_s()
            try:
                prepared = await self.request("prepare", stream=STREAM, ticket=ticket.to_json(), tracking=True)
                part_of(prepared["ticket"])
                if await self.act(ticket, "play", 0, grant=True):
                    self._tickets[digest(ticket.message, self.domain)] = (ticket.message.server, ticket.message.number)
                    return ticket
            except GomaaError as error:
                self._code = error.code
                if error.code not in AGAIN:
                    raise
            if self._code not in AGAIN:
                return None
            self.records.moved += 1
            await asyncio.sleep(1)
        return None

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
        """An action at the host; whether it is in its ledger, and its keys are here.

        The same action again is the same invocation.
        """
        self.records.last_s, self._code = self.now_s(), None
        keys = {"segment": 0, "count": 4} if grant else {}
        for _ in range(tries):
            try:
                await self.request("invoke", stream=STREAM, action=action, position_ms=position_ms, **keys)
            except GomaaError as error:
                self._code = error.code
                self.records.codes[error.code] += 1
                if not isinstance(error, Unavailable) and error.code not in ("server.unreachable", "chain.unreachable"):
                    return False
                await asyncio.sleep(0.5 + self.dice.random())
            else:
                return True
        return False

    def settle(self) -> list[str]:
        """Hold the plays against the host's ledger: what a server refused was not wholly accepted.

        What the ledger still holds back.
        """
        assert self._host is not None
        rows = self._host.ledger._rows("SELECT ticket, action, state, code FROM invocations WHERE code IS NOT NULL")
        for ticket, _, _, code in rows:
            self.records.codes[str(code)] += 1
            self.records.plays.get(self._tickets.get(bytes(ticket), (b"", 0)), Played()).whole = False
        return [
            f"{self.name}: invocations of a session are not reported" for _ in self._host.ledger.sessions_unreported()
        ]
