"""Connections to security servers: one for each server and device key, opened on first use."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Set
from functools import partial
from typing import Any, Final

from native_host.background import BackgroundTasks
from native_host.install.device_key import fresh_key
from native_host.remote.network import Network
from native_host.remote.server import OnState, Server

MAX_IDLE: Final = 16
"""Connections that stay open although no stream needs them."""
VISIT_S: Final = 60.0
"""Least time between two questions to a server without an open connection: the popup polls every few seconds."""

OnEvent = Callable[[Network, Server, dict[str, Any]], None]
InUse = Callable[[], Set[tuple[bytes, bytes]]]
"""(server address, device key) of each open stream."""


class ServerConnections:
    """Connections by chain id, server address, URL and device key, the one used last last.

    A server sees no more behind one connection than behind one station: nothing in common ties two of them.
    """

    def __init__(self, tasks: BackgroundTasks, on_event: OnEvent, on_state: OnState, in_use: InUse) -> None:
        """Begin without a connection.

        Args:
            tasks: Runs the closing of idle connections.
            on_event: Called with network, connection and message for what a server sends unasked.
            on_state: Awaited when a connection is established, and when it is lost.
            in_use: The connections that streams need, which are never idle.
        """
        self._tasks, self._on_event, self._on_state, self._in_use = tasks, on_event, on_state, in_use
        self._servers: dict[tuple[int, bytes, str, bytes], Server] = {}
        self._visited_s: dict[tuple[bytes, bytes], float] = {}

    def __iter__(self) -> Iterator[Server]:
        return iter(self._servers.values())

    def connect(self, address: bytes, url: str, network: Network, key: bytes) -> Server:
        """The connection to a server for one device key; it begins to connect on first use.

        Args:
            address: The server's, 20 bytes.
            url: Where it answers.
            network: The one on which it serves.
            key: Private key of the device, 32 bytes.
        """
        place = (network.deployment.chain_id, address, url, key)
        server = self._servers.pop(place, None)
        if server is None:
            self._close_idle()
            server = Server(address, url, key, network.now_ms, partial(self._on_event, network), self._on_state)
        # The one used last stands last.
        self._servers[place] = server
        return server

    @contextlib.asynccontextmanager
    async def visit(self, address: bytes, url: str, network: Network, key: bytes) -> AsyncIterator[Server]:
        """The connection of one device key: the established one, or one for this question alone."""
        server = self._servers.get((network.deployment.chain_id, address, url, key))
        if server is not None and server.up:
            yield server
            return
        server = Server(address, url, key, network.now_ms, partial(self._on_event, network), _ignore_state)
        try:
            yield server
        finally:
            await server.close()

    @contextlib.asynccontextmanager
    async def anonymous(self, address: bytes, url: str, network: Network) -> AsyncIterator[Server]:
        """A connection with a fresh device key, which ties the question to no station and to no other connection."""
        async with self.visit(address, url, network, fresh_key()) as server:
            yield server

    def may_visit(self, address: bytes, key: bytes) -> bool:
        """Whether a server may be asked now as one device: if connected always, else once in ``VISIT_S``."""
        if any((server.address, used) == (address, key) and server.up for (*_, used), server in self._servers.items()):
            return True
        now_s, last_s = time.monotonic(), self._visited_s.get((address, key))
        if last_s is not None and now_s < last_s + VISIT_S:
            return False
        self._visited_s[address, key] = now_s
        return True

    def latest_ms(self, chain_id: int) -> int | None:
        """The latest clock of a network's servers, Unix ms; None before the first has answered a hello."""
        clocks = (server.now_ms() for place, server in self._servers.items() if place[0] == chain_id)
        return max((ms for ms in clocks if ms is not None), default=None)

    async def close(self) -> None:
        """Close every connection for good."""
        await asyncio.gather(*(server.close() for server in self._servers.values()), return_exceptions=True)

    def _close_idle(self) -> None:
        """Close the connections used longest ago that no stream needs; the next request opens them again."""
        in_use = self._in_use()
        idle = [
            server
            for (_, address, _, key), server in self._servers.items()
            if server.up and (address, key) not in in_use
        ]
        for server in idle[: max(0, len(idle) - MAX_IDLE)]:
            self._tasks.start(server.sleep())


async def _ignore_state(_server: Server, _up: bool) -> None:
    """State of a connection for one question, which is no event."""
