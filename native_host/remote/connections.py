"""Connections to security servers: one for each server and device key, opened on first use."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Set
from functools import partial
from typing import Any, Final

from native_host.background import BackgroundTasks
from native_host.device_key import fresh_key
from native_host.remote.network import Network
from native_host.remote.server import OnState, Server

MAX_IDLE: Final = 16
"""Connections that stay open although no stream uses them."""
POLL_S: Final = 60.0
"""Least time between two polls of a server without an open connection, seconds; the popup polls more often."""

OnEvent = Callable[[Network, Server, dict[str, Any]], None]
InUse = Callable[[], Set[tuple[bytes, bytes]]]
"""(server address, device key) of each open stream."""


class ServerConnections:
    """Connections by chain id, server address, URL and device key, in the order of their last use.

    Each connection is for one device, so that a server cannot link the stations at which a listener plays.
    """

    def __init__(self, tasks: BackgroundTasks, on_event: OnEvent, on_state: OnState, in_use: InUse) -> None:
        """Begin without a connection.

        Args:
            tasks: Runs the closing of idle connections.
            on_event: Called with network, connection and message for each event of a server.
            on_state: Awaited when a connection is established, and when it is lost.
            in_use: The connections that streams use, which are never idle.
        """
        self._tasks, self._on_event, self._on_state, self._in_use = tasks, on_event, on_state, in_use
        self._servers: dict[tuple[int, bytes, str, bytes], Server] = {}
        self._polled_s: dict[tuple[bytes, bytes], float] = {}

    def __iter__(self) -> Iterator[Server]:
        return iter(self._servers.values())

    def connect(self, address: bytes, url: str, network: Network, key: bytes) -> Server:
        """The connection to a server for one device key; it begins to connect on first use.

        Args:
            address: Address of the server, 20 bytes.
            url: URL of the server.
            network: Network of the server.
            key: Private key of the device, 32 bytes.
        """
        place = (network.deployment.chain_id, address, url, key)
        server = self._servers.pop(place, None)
        if server is None:
            self._close_idle()
            server = Server(address, url, key, network.now_ms, partial(self._on_event, network), self._on_state)
        # Inserted again: the order of the dictionary is that of the last use.
        self._servers[place] = server
        return server

    @contextlib.asynccontextmanager
    async def borrow(self, address: bytes, url: str, network: Network, key: bytes) -> AsyncIterator[Server]:
        """The established connection of a device key, or a temporary one."""
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
        """A temporary connection with a fresh device key, which nothing links to a station or another connection."""
        async with self.borrow(address, url, network, fresh_key()) as server:
            yield server

    def may_poll(self, address: bytes, key: bytes) -> bool:
        """Return whether a server may be polled now as one device: always if connected, else once in ``POLL_S``."""
        if any((server.address, used) == (address, key) and server.up for (*_, used), server in self._servers.items()):
            return True
        now_s, last_s = time.monotonic(), self._polled_s.get((address, key))
        if last_s is not None and now_s < last_s + POLL_S:
            return False
        self._polled_s[address, key] = now_s
        return True

    def latest_ms(self, chain_id: int) -> int | None:
        """The latest clock of a network's servers, Unix ms; None before the first has answered a hello."""
        clocks = (server.now_ms() for place, server in self._servers.items() if place[0] == chain_id)
        return max((ms for ms in clocks if ms is not None), default=None)

    async def close(self) -> None:
        """Close every connection for good."""
        await asyncio.gather(*(server.close() for server in self._servers.values()), return_exceptions=True)

    def _close_idle(self) -> None:
        """Close the least recently used connections without a stream; the next request opens them again."""
        in_use = self._in_use()
        idle = [
            server
            for (_, address, _, key), server in self._servers.items()
            if server.up and (address, key) not in in_use
        ]
        for server in idle[: max(0, len(idle) - MAX_IDLE)]:
            self._tasks.start(server.disconnect())


async def _ignore_state(_server: Server, _up: bool) -> None:
    """State of a temporary connection, which is no event."""
