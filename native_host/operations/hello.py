"""``hello``: who is there, and do we speak the same version?"""

from __future__ import annotations

from typing import Any

from common.version import VERSION
from native_host import CAPABILITIES, PROTOCOL
from native_host.host import Host
from native_host.messaging.requests import Hello
from pywallet.errors import InputError


async def run(host: Host, request: Hello) -> dict[str, Any]:
    """Name this host and the networks it knows. Raises InputError ``host.version``."""
    if request.protocol != PROTOCOL:
        raise InputError("host.version", extension=request.protocol, host=PROTOCOL)
    host.start()
    return {
        "protocol": PROTOCOL,
        "host": VERSION,
        "capabilities": list(CAPABILITIES),
        "networks": host.known(),
    }
