"""``scan``: one step of the search for a wallet's earlier rewards."""

from __future__ import annotations

from typing import Any

from native_host.host import Host
from native_host.ledger.scan_store import Place
from native_host.messaging.requests import Scan
from native_host.payments import recovery_scan
from pywallet.encoding.hex import from_b64, from_hex


async def run(host: Host, request: Scan) -> dict[str, Any]:
    """See ``native_host.payments.recovery_scan.Scan.step``. Raises ``chain.*``, ``host.ledger.failed``."""
    network = host.network(request.chain_id)
    place = Place(from_hex(request.wallet, 20), request.chain_id, network.deployment.settlement)
    if place not in host.scans:
        host.scans[place] = recovery_scan.Scan(host, network, place)
    given = [(from_hex(one.station, 20), one.day, from_b64(one.payees)) for one in request.candidates]
    return await host.scans[place].step(request.fresh, given)
