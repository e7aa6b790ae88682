"""``doctor``: the checks that a running host can make."""

from __future__ import annotations

from typing import Any

from messages.browser_host.connection import Doctor
from native_host.context import Services
from native_host.install import doctor


async def run(services: Services, request: Doctor) -> dict[str, Any]:
    """Check device key, ledger and networks, and whether chain and servers answer."""
    checks = [*doctor.local(services.paths), *await doctor.reachable(services.paths)]
    return {"checks": [check.to_json() for check in checks]}
