"""``scan``: one step of a wallet's recovery scan."""

from __future__ import annotations

from messages.browser_host.recovery import Scan, ScanResult
from native_host.context import Services
from native_host.ledger.scan_store import ScanKey
from pywallet.encoding.hex import from_b64, from_hex


async def run(services: Services, request: Scan) -> ScanResult:
    """Run one step: see ``native_host.payments.recovery_scan.RecoveryScan.step``.

    Raises:
        GomaaError: ``chain.*``, ``host.ledger.*``.
    """
    network = services.networks.require(request.chain_id)
    scan = ScanKey(from_hex(request.wallet, 20), request.chain_id, network.deployment.settlement)
    candidates = [(from_hex(day.station, 20), day.day, from_b64(day.payees)) for day in request.candidates]
    return await services.scans.get(network, scan).step(request.fresh, candidates)
