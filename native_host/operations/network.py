"""``network``: know a network that a station names, after the person has agreed to it in the extension's own page."""

from __future__ import annotations

from typing import Any

from native_host.host import Host
from native_host.messaging.requests import Network
from native_host.remote import network_files, network_setup


async def run(host: Host, request: Network) -> dict[str, Any]:
    """Hold the network against its node, write it down, and answer the networks known now.

    Raises ``host.network.*``, ``station.answer``, Unavailable ``chain.unreachable``.
    """
    await network_setup.join(host.paths, request.origin, network_files.offered(request.network))
    host.learn()
    return {"networks": host.known()}
