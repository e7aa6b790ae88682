"""``network``: add a network that a station names, after the user's consent in the extension's own page."""

from __future__ import annotations

from messages.browser_host.connection import Network, NetworkResult
from native_host.context import Services
from native_host.remote import network_files, network_setup


async def run(services: Services, request: Network) -> NetworkResult:
    """Check the network against its node and save it.

    Raises:
        GomaaError: ``host.network.*``, ``station.answer``, ``chain.unreachable``.
    """
    await network_setup.add_network(services.paths, request.origin, network_files.from_record(request.network))
    services.networks.reload()
    return NetworkResult(services.networks.entries())
