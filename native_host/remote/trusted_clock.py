"""The host's time: chain, servers and this computer's clock together."""

from __future__ import annotations

from native_host.remote import clock
from native_host.remote.connections import ServerConnections
from native_host.remote.network import Network
from native_host.remote.networks import Networks
from native_host.remote.server import Server


class TrustedClock:
    """Trusted Unix time by network, and detection of a clock that was set back (``native_host.remote.clock``)."""

    def __init__(self, newest_ms: int, networks: Networks, connections: ServerConnections) -> None:
        """Begin with this computer's clock.

        Args:
            newest_ms: The latest time that the ledger has, Unix ms.
            networks: Their chains' clocks are the floor.
            connections: Their servers' clocks bound this computer's.
        """
        self._clock = clock.Clock(newest_ms, lambda: clock.system_ms())
        self._networks, self._connections = networks, connections

    def now_ms(self, network: Network, server: Server | None = None) -> int:
        """Trusted Unix time, ms: see ``Clock.now_ms``.

        Args:
            network: The network that the time is for.
            server: The server that receives the time; None, or before its hello: the network's others bound it.
        """
        chain_id = network.deployment.chain_id
        server_ms = server.now_ms() if server else None
        return self._clock.now_ms(network.now_ms(), server_ms, self._connections.latest_ms(chain_id), chain_id)

    def today(self) -> int:
        """The day of budgets, counted from 1970 (UTC), by the same clock as their debits."""
        network = next(iter(self._networks.values()), None)
        return clock.day_of(clock.system_ms() if network is None else self.now_ms(network))

    def rolled_back(self, network: Network, server: Server | None = None) -> bool:
        """Return whether this computer's clock was set back: see ``Clock.rolled_back``."""
        server_ms = (server.now_ms() if server else None) or self._connections.latest_ms(network.deployment.chain_id)
        trusted = [ms for ms in (network.chain_ms(), server_ms) if ms is not None]
        return self._clock.rolled_back(max(trusted, default=None))
