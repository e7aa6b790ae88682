"""URLs of security servers, from the ledger or the registry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.address_class import place_of_url, standing_of_url
from native_host.ledger import Ledger
from native_host.remote.connections import ServerConnections
from native_host.remote.network import Network
from native_host.remote.networks import Networks
from native_host.remote.server import Server
from pywallet.errors import Unavailable


class ServerDirectory:
    """URLs and networks of security servers, and anonymous connections to them."""

    def __init__(self, ledger: Ledger, networks: Networks, connections: ServerConnections) -> None:
        self._ledger, self._networks, self._connections = ledger, networks, connections

    async def find(self, server: bytes, network: Network | None = None) -> tuple[str, Network]:
        """A server's URL and network.

        Args:
            server: Address of the server, 20 bytes.
            network: Network of the server; None: the one on which it was used.

        Raises:
            Unavailable: ``server.unreachable`` for a server that is neither in the ledger nor in the registry.
        """
        network = network or self._networks.of_server(server)
        await network.ready()
        url = self._ledger.server_url(server, network.deployment.chain_id)
        if url is None:
            entry = await network.registry.server(server)
            # The registrant chooses the URL: it may not be in a more private network than the node.
            if entry is None or place_of_url(entry.url) > standing_of_url(network.deployment.rpc):
                raise Unavailable("server.unreachable", server=server.hex())
            url = entry.url
        return url, network

    @asynccontextmanager
    async def anonymous(self, server: bytes, network: Network | None = None) -> AsyncIterator[tuple[Server, Network]]:
        """A temporary anonymous connection for a request about a payee, and the network. Raises as ``find``."""
        url, network = await self.find(server, network)
        async with self._connections.anonymous(server, url, network) as connection:
            yield connection, network
