"""``hello``: protocol version, host version and networks."""

from __future__ import annotations

from common.version import VERSION
from messages.browser_host.connection import Hello, HelloResult
from native_host import CAPABILITIES, PROTOCOL
from native_host.context import Services
from pywallet.errors import InputError


async def run(services: Services, request: Hello) -> HelloResult:
    """Start the services, and return this host's version and networks.

    Raises:
        InputError: ``host.version`` where the extension speaks another protocol version.
    """
    if request.protocol != PROTOCOL:
        raise InputError("host.version", extension=request.protocol, host=PROTOCOL)
    services.start()
    return HelloResult(PROTOCOL, VERSION, list(CAPABILITIES), services.networks.entries())
