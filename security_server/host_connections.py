"""Connections of hosts, and the events that are pushed to them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from messages.host_server.events import ServerEvent

_QUEUE: Final = 1024
"""Most frames that wait for one host."""
_AT_ONCE: Final = 64
"""Hosts that an event is sent to before other requests have their turn."""


class HostConnection:
    """Outgoing frames of one connected host, in order.

    Attributes:
        device: Address of the device by its ``hello``, 20 bytes; None before that.
        station: Address of the station whose ticket it opened last here, 20 bytes; None: it opened none.
        frames: Frames as JSON; None ends the connection.
    """

    def __init__(self) -> None:
        self.device: bytes | None = None
        self.station: bytes | None = None
        self.frames: asyncio.Queue[str | None] = asyncio.Queue(_QUEUE)

    def send(self, frame: Any) -> None:
        """Queue a frame, a struct or a mapping. A host that has not read a full queue is disconnected."""
        self.send_text(msgspec.json.encode(frame).decode())

    def send_text(self, text: str) -> None:
        """As ``send``, a frame that is JSON."""
        try:
            self.frames.put_nowait(text)
        except asyncio.QueueFull:
            while not self.frames.empty():
                self.frames.get_nowait()
            self.frames.put_nowait(None)


class HostConnections:
    """All connections of hosts."""

    def __init__(self) -> None:
        self._connections: set[HostConnection] = set()
        self._by_device: dict[bytes, list[HostConnection]] = {}
        self._none = asyncio.Event()
        self._none.set()

    def __len__(self) -> int:
        return len(self._connections)

    def devices(self) -> list[bytes]:
        """Addresses of the devices that have sent ``hello``, 20 bytes each."""
        return list(self._by_device)

    async def wait_for_none(self) -> None:
        """Wait until no host is connected."""
        await self._none.wait()

    def add(self, connection: HostConnection) -> None:
        """Add a host that has connected."""
        self._connections.add(connection)
        self._none.clear()

    def identify(self, connection: HostConnection, device: bytes) -> None:
        """Note the device of a connected host, which gets events from now on.

        Args:
            connection: Of the host.
            device: The device's address, 20 bytes.
        """
        self._forget_device(connection)
        connection.device = device
        # The greeting can be answered after the host has hung up.
        if connection in self._connections:
            self._by_device.setdefault(device, []).append(connection)

    def remove(self, connection: HostConnection) -> None:
        """Remove a host that has disconnected."""
        self._connections.discard(connection)
        self._forget_device(connection)
        if not self._connections:
            self._none.set()

    async def push(self, event: ServerEvent, devices: Iterable[bytes] | None = None) -> None:
        """Send an event, in parts: all hosts at once would hold up every request for as long.

        Args:
            event: The event.
            devices: Addresses of its receivers; None: every host that has sent ``hello``.
        """
        text = msgspec.json.encode(event).decode()
        for number, device in enumerate(list(self._by_device) if devices is None else set(devices), 1):
            for connection in self._by_device.get(device, ()):
                connection.send_text(text)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)

    def close(self) -> None:
        """End every connection after what is queued."""
        for connection in list(self._connections):
            if connection.frames.full():
                connection.frames.get_nowait()
            connection.frames.put_nowait(None)

    def _forget_device(self, connection: HostConnection) -> None:
        if connection.device is None:
            return
        connections = self._by_device.get(connection.device, [])
        if connection in connections:
            connections.remove(connection)
        if not connections:
            self._by_device.pop(connection.device, None)
