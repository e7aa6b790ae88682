"""A TCP proxy before a PostgreSQL whose connections can be delayed, held back, cut and directed elsewhere."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

T = TypeVar("T")
_CHUNK: Final = 1 << 16
Target = int | Path
"""Port on loopback, or path of a socket."""


class PostgresProxy:
    """Forwards one address to a PostgreSQL, in a thread of its own.

    While it is held back, connections stay open and new ones are accepted, and nothing is forwarded: as in a network
    that loses every packet, or a server whose disk does not answer.

    Args:
        target: The PostgreSQL.
        seed: Of the delays.
    """

    def __init__(self, target: Target, seed: int = 0) -> None:
        self.target = target
        self.port = 0
        self._delay_s = (0.0, 0.0)
        self._dice = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._open: asyncio.Event | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="postgres-proxy", daemon=True)

    def __enter__(self) -> PostgresProxy:
        self._thread.start()
        self._do(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def hold(self) -> None:
        """Forward nothing until ``pass_on``."""
        self._loop.call_soon_threadsafe(self._opened.clear)

    def pass_on(self) -> None:
        """Forward again, what was held back first."""
        self._loop.call_soon_threadsafe(self._opened.set)

    def delay(self, least_s: float, most_s: float) -> None:
        """Delay each message in either direction by a random time within these bounds, seconds."""
        self._delay_s = (least_s, most_s)

    def cut(self) -> None:
        """End every connection."""
        self._do(self._cut())

    def direct(self, target: Target) -> None:
        """Forward to another PostgreSQL; connections to the former one end."""
        self.target = target
        self.cut()

    @property
    def _opened(self) -> asyncio.Event:
        assert self._open is not None
        return self._open

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _start(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._cut()

    async def _cut(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writers = [writer]
        try:
            await self._opened.wait()
            far_reader, far_writer = await self._connect()
            writers.append(far_writer)
            ways = [
                asyncio.create_task(self._forward(reader, far_writer)),
                asyncio.create_task(self._forward(far_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            for one in writers:
                one.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(str(self.target))
        return await asyncio.open_connection("127.0.0.1", self.target)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_CHUNK):
                await asyncio.sleep(self._dice.uniform(*self._delay_s))
                await self._opened.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            return
        await self._opened.wait()
