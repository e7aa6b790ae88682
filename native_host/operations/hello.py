"""``hello``: who is there, and do we speak the same version?"""

from __future__ import annotations

from typing import Any

from common.version import VERSION
from native_host import CAPABILITIES, PROTOCOL
from native_host.context import Services
from native_host.messaging.playback_requests import Hello
from pywallet.errors import InputError


async def run(services: Services, request: Hello) -> dict[str, Any]:
    """Name this host and the networks it knows. Raises InputError ``host.version``."""
    if request.protocol != PROTOCOL:
        raise InputError("host.version", extension=request.protocol, host=PROTOCOL)
    services.start()
    return {
        "protocol": PROTOCOL,
        "host": VERSION,
        "capabilities": list(CAPABILITIES),
        "networks": services.networks.to_json(),
    }
