"""The real host in its own process, driven through its pipes as a browser does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from demo.waiting import TIMEOUT_S
from pywallet.crypto.key_wrap import generate_keypair
from pywallet.encoding.hex import to_b64
from pywallet.errors import GomaaError
from tests.host_messages import check_event, check_result, part_of

ROOT = Path(__file__).resolve().parent.parent.parent


class HostProcess:
    """One host; ``replies`` by request number, ``events`` in order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.replies: dict[int, dict[str, Any]] = {}
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.number = 0
        self.device = ""
        """Of the song that was opened last."""
        self.renderer = generate_keypair()
        self.reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        out = self.process.stdout
        assert out is not None
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                (length,) = struct.unpack("=I", await out.readexactly(4))
                message = msgspec.json.decode(await out.readexactly(length))
                if "event" in message:
                    self.events.put_nowait(check_event(message))
                    continue
                self.replies[message["id"]] = message
                if message["id"] in self.waiting:
                    self.waiting.pop(message["id"]).set_result(message)
        for future in self.waiting.values():
            future.set_exception(EOFError())
        self.waiting.clear()

    def send(self, op: str, **fields: Any) -> int:
        """Write a request without waiting; return its number."""
        self.number += 1
        self.write(msgspec.json.encode({"id": self.number, "op": op, **fields}))
        return self.number

    def write(self, body: bytes) -> None:
        """Write a frame of any content."""
        assert self.process.stdin is not None
        with contextlib.suppress(ConnectionError, RuntimeError):
            self.process.stdin.write(struct.pack("=I", len(body)) + body)

    async def replied(self, number: int) -> None:
        """Wait for the reply to a request that was sent."""
        if number not in self.replies:
            future = self.waiting[number] = asyncio.get_running_loop().create_future()
            await asyncio.wait_for(future, TIMEOUT_S)

    async def ask(self, op: str, **fields: Any) -> Any:
        """Send a request and return its result. Raises the host's error."""
        future = asyncio.get_running_loop().create_future()
        self.waiting[self.number + 1] = future
        self.send(op, **fields)
        reply = await asyncio.wait_for(future, TIMEOUT_S)
        if not reply["ok"]:
            raise GomaaError(reply["error"]["code"], **reply["error"]["detail"])
        return check_result(op, reply["result"])

    async def hello(self) -> dict[str, Any]:
        """Send the first request."""
        result: dict[str, Any] = await self.ask("hello", protocol=1, extension="test", browser="test")
        return result

    async def open(self, cose: bytes, stream: str = "s", origin: str = "https://radio.example") -> dict[str, Any]:
        """Open a song."""
        key = to_b64(self.renderer[1])
        result: dict[str, Any] = await self.ask("open", stream=stream, header=to_b64(cose), origin=origin, key=key)
        self.device = result["device"]
        return result

    async def identify(self, session: Any, stream: str = "s") -> Any:
        """Bind a session, as JSON; None: the host's own. Raises the refusal."""
        return part_of((await self.ask("prepare", stream=stream, session=session))["session"])

    async def prepare(self, ticket: Any, stream: str = "s", **fields: Any) -> Any:
        """Open a ticket, as JSON. Raises the refusal."""
        return part_of((await self.ask("prepare", stream=stream, ticket=ticket, **fields))["ticket"])

    async def invoke(
        self, action: str, position_ms: int = 0, segment: int | None = None, count: int = 0, stream: str = "s"
    ) -> Any:
        """Send one invocation."""
        return await self.ask(
            "invoke", stream=stream, action=action, position_ms=position_ms, segment=segment, count=count
        )

    async def event(self, kind: str) -> dict[str, Any]:
        """The next event of a kind."""
        while True:
            event = await asyncio.wait_for(self.events.get(), TIMEOUT_S)
            if event["event"] == kind:
                return event

    async def kill(self) -> None:
        """Kill the process with SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        await self.reader

    async def leave(self) -> int:
        """Close the pipe, as a browser does when it exits; return the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = await asyncio.wait_for(self.process.wait(), TIMEOUT_S)
        await self.reader
        return code


@asynccontextmanager
async def host_process(home: Path) -> AsyncIterator[HostProcess]:
    """Start a host with its files under ``home``."""
    environment = {**os.environ, "GOMAA_HOME": str(home), "PYTHONPATH": str(ROOT)}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "native_host", stdin=pipe, stdout=pipe, env=environment
    )
    one = HostProcess(process)
    try:
        yield one
    finally:
        await one.kill()
