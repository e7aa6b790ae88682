"""``hello``: protocol version, host version and networks."""

from __future__ import annotations

from typing import Any

from common.version import VERSION
from messages.browser_host.connection import Hello
from native_host import CAPABILITIES, PROTOCOL
from native_host.context import Services
from pywallet.errors import InputError


async def run(services: Services, request: Hello) -> dict[str, Any]:
    """Start the services, and return this host's version and networks.

    Raises:
        InputError: ``host.version`` where the extension speaks another protocol version.
    """
    if request.protocol != PROTOCOL:
        raise InputError("host.version", extension=request.protocol, host=PROTOCOL)
    services.start()
    return {
        "protocol": PROTOCOL,
        "host": VERSION,
        "capabilities": list(CAPABILITIES),
        "networks": services.networks.to_json(),
    }
