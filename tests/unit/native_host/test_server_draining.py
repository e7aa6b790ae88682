"""A security server that ends: the host loses no request and connects to the next process."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from msgspec import Struct
from websockets.asyncio.server import ServerConnection, serve

from demo.waiting import TIMEOUT_S
from native_host.remote.server import Server


class Echo(Struct):
    """Result of the test's requests: the number of the connection that answered."""

    connection: int


class Process:
    """A server that sends ``draining`` on its first connection, and answers what it holds there when it is told to."""

    def __init__(self) -> None:
        self.connections = 0
        self.released = asyncio.Event()
        self.told = asyncio.Event()
        self.closed: list[int] = []

    async def serve(self, socket: ServerConnection) -> None:
        """Answer one connection."""
        self.connections += 1
        number = self.connections
        answers: set[asyncio.Task[None]] = set()
        async for text in socket:
            request = json.loads(text)
            if request["op"] == "hello":
                await self.answer(socket, request, {"protocol": 1, "now_ms": 0})
                continue
            answers.add(asyncio.create_task(self.hold(socket, request, number)))
            if number == 1 and not self.told.is_set():
                await socket.send(json.dumps({"event": "draining"}))
                self.told.set()
        self.closed.append(number)

    async def hold(self, socket: ServerConnection, request: dict[str, Any], number: int) -> None:
        """Answer a request; on the first connection only once it is released."""
        if number == 1:
            await self.released.wait()
        await self.answer(socket, request, {"connection": number})

    async def answer(self, socket: ServerConnection, request: dict[str, Any], result: dict[str, Any]) -> None:
        """Send a result."""
        await socket.send(json.dumps({"id": request["id"], "ok": True, "result": result}))


async def test_requests_of_a_draining_connection_are_answered_and_later_ones_go_to_the_next() -> None:
    """A request would fail, or be sent to a process that ends."""
    process, states, events = Process(), [], []

    async def on_state(_server: Server, up: bool) -> None:
        states.append(up)

    def on_event(_server: Server, event: dict[str, Any]) -> None:
        events.append(event)

    async with asyncio.timeout(TIMEOUT_S), serve(process.serve, "127.0.0.1", 0) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        line = Server(bytes(20), f"http://127.0.0.1:{port}", b"\x01" * 32, lambda: 0, on_event, on_state)
        try:
            first = asyncio.create_task(line.request("leaf", Echo))
            await process.told.wait()
            while line.up:
                await asyncio.sleep(0)
            second = asyncio.create_task(line.request("leaf", Echo))
            await asyncio.sleep(0)
            assert process.closed == [], "the connection has a request without an answer"
            process.released.set()
            assert (await first).connection == 1
            assert (await second).connection == 2
        finally:
            await line.close()
    assert states == [True, False, True]
    assert events == []
