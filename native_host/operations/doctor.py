"""``doctor``: the checks that a running host can make."""

from __future__ import annotations

from messages.browser_host.connection import Doctor, DoctorResult
from native_host.context import Services
from native_host.install import doctor


async def run(services: Services, request: Doctor) -> DoctorResult:
    """Check device key, ledger and networks, and whether chain and servers answer."""
    checks = [*doctor.local(services.paths), *await doctor.reachable(services.paths)]
    return DoctorResult(checks)
