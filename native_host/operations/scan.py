"""``scan``: one step of the search for a wallet's earlier rewards."""

from __future__ import annotations

from typing import Any

from native_host.context import Services
from native_host.ledger.scan_store import Place
from native_host.messaging.wallet_requests import Scan
from pywallet.encoding.hex import from_b64, from_hex


async def run(services: Services, request: Scan) -> dict[str, Any]:
    """See ``native_host.payments.recovery_scan.Scan.step``. Raises ``chain.*``, ``services.ledger.failed``."""
    network = services.networks.require(request.chain_id)
    place = Place(from_hex(request.wallet, 20), request.chain_id, network.deployment.settlement)
    candidates = [(from_hex(one.station, 20), one.day, from_b64(one.payees)) for one in request.candidates]
    return await services.scans.get(network, place).step(request.fresh, candidates)
