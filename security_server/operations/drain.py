"""Orderly end of a server: hosts move to another process or wait for the next one, open requests finish.

From the beginning of the drain the server is not ready, takes no connection of a host and no play. Hosts get the event
``draining``: they finish what they have asked and connect again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from messages.host_server.events import DrainingEvent
from pywallet.errors import Refusal, Unavailable
from security_server.host_connections import HostConnections
from security_server.operations.open_requests import OpenRequests

log = logging.getLogger("gomaa.server")

RETRY_S: Final = 1
"""Seconds after which a refused client tries again."""
HOSTS_AT_ONCE: Final = 200
"""Hosts that get the event together, so that the other processes are not asked by all of them at once."""
PAUSE_S: Final = 0.1
"""Seconds between two such groups."""


class Drain:
    """State of the drain.

    Args:
        hosts: Connections of hosts.
        requests: Requests that are executed now.
    """

    def __init__(self, hosts: HostConnections, requests: OpenRequests) -> None:
        self._hosts = hosts
        self._requests = requests
        self._began = False

    @property
    def began(self) -> bool:
        """True once the drain has begun."""
        return self._began

    def require_connections(self) -> None:
        """Require that new connections and requests of HTTP clients are taken.

        Raises Unavailable ``server.unready``.
        """
        if self._began:
            raise Unavailable("server.unready", missing="draining", retry_after=RETRY_S)

    def require_plays(self) -> None:
        """Require that a host may begin a play. Raises Refusal ``server.busy``, after which a host tries again."""
        if self._began:
            raise Refusal("server.busy", reason="draining", retry_after=RETRY_S)

    async def run(self, most_s: float) -> bool:
        """Drain, for at most ``most_s`` seconds.

        After half of them, connections of hosts that have not followed the event are closed in order.

        Returns:
            True if no connection of a host and no request is left.
        """
        self._began = True
        log.info("draining: %d hosts, %d requests", len(self._hosts), self._requests.count)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            async with asyncio.timeout_at(began_s + most_s):
                try:
                    async with asyncio.timeout_at(began_s + most_s / 2):
                        await self._send_away()
                        await self._hosts.wait_for_none()
                except TimeoutError:
                    self._hosts.close()
                    await self._hosts.wait_for_none()
                await self._requests.wait_for_none()
        except TimeoutError:
            log.warning("draining: %d hosts, %d requests are left", len(self._hosts), self._requests.count)
            return False
        log.info("drained")
        return True

    async def _send_away(self) -> None:
        devices = self._hosts.devices()
        for first in range(0, len(devices), HOSTS_AT_ONCE):
            if first:
                await asyncio.sleep(PAUSE_S)
            await self._hosts.push(DrainingEvent(), devices[first : first + HOSTS_AT_ONCE])
