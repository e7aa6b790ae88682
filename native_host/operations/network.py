"""``network``: add a network that a station names, after the person has agreed in the extension's own page."""

from __future__ import annotations

from messages.browser_host.connection import Network, NetworkResult
from native_host.context import Services
from native_host.remote import network_files, network_setup


async def run(services: Services, request: Network) -> NetworkResult:
    """Check the network against its node and save it.

    Raises:
        GomaaError: ``host.network.*``, ``station.answer``, ``chain.unreachable``.
    """
    await network_setup.join(services.paths, request.origin, network_files.from_record(request.network))
    services.networks.reload()
    return NetworkResult(services.networks.entries())
