"""Scripted JSON-RPC node over WebSocket, and a relay that can be closed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from demo.waiting import TIMEOUT_S

SILENCE: Final = object()
HANG_UP: Final = object()
Answer = Callable[[list[Any]], Any]


class Refused(Exception):
    """Raised in an answer: the error object of the response."""

    def __init__(self, error: Any) -> None:
        super().__init__(str(error))
        self.error = error


class Node:
    """``answers`` maps a method to its result or to a function of the parameters; ``calls`` are the requests."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.calls: list[tuple[str, list[Any]]] = []
        self.sockets: list[ServerConnection] = []
        self.arrivals = asyncio.Condition()
        self.greeting: list[str] = []
        self.port = 0

    @property
    def rpc(self) -> str:
        """The node's URL."""
        return f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Node:
        await self.start()
        return self

    async def start(self) -> None:
        """Listen, on the same port as before."""
        self._server = await serve(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop listening and close all connections."""
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                asked = json.loads(text)
                await self._note(asked["method"], asked["params"])
                answer = self.answers.get(asked["method"])
                body: dict[str, Any] = {}
                try:
                    body["result"] = answer(asked["params"]) if callable(answer) else answer
                except Refused as e:
                    body["error"] = e.error
                if body.get("result") is HANG_UP:
                    await socket.close()
                elif body.get("result") is not SILENCE:
                    await socket.send(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **body}))
                    # Right behind the answer, in the same breath.
                    for text in self.greeting if asked["method"] == "eth_subscribe" else ():
                        await socket.send(text)

    async def _note(self, method: str, params: list[Any]) -> None:
        async with self.arrivals:
            self.calls.append((method, params))
            self.arrivals.notify_all()

    async def asked(self, method: str, times: int = 1) -> None:
        """Wait for a number of requests of a method."""
        async with self.arrivals:
            await self.arrivals.wait_for(lambda: sum(m == method for m, _ in self.calls) >= times)

    async def send_text(self, text: str) -> None:
        """Send a message on the newest connection."""
        await self.sockets[-1].send(text)

    async def notify(self, name: str, result: Any) -> None:
        """Send a subscription's notification."""
        await self.send_text(notification(name, result))

    async def cut(self) -> None:
        """Close the newest connection."""
        await self.sockets[-1].close()


def notification(name: Any, result: Any) -> str:
    """The message of a subscription's notification."""
    return json.dumps(
        {"jsonrpc": "2.0", "method": "eth_subscription", "params": {"subscription": name, "result": result}}
    )


def head(number: int) -> dict[str, str]:
    """A block's header as JSON."""
    return {
        "number": hex(number),
        "timestamp": hex(1_800_000_000 + number),
        "hash": "0x" + number.to_bytes(32, "big").hex(),
    }


class Relay:
    """A TCP relay to a port that can be closed and opened again."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def __aenter__(self) -> Relay:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Accept connections."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Abort every connection and accept no more."""
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, forth}
        for pair in ((reader, forth), (back, writer)):
            task = asyncio.create_task(self._pump(*pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()
        self._writers.discard(sink)


T = TypeVar("T")


async def within(work: Awaitable[T], seconds: float = TIMEOUT_S) -> T:
    """Await a result, or fail after a time."""
    async with asyncio.timeout(seconds):
        return await work
