"""``payees``: one-time addresses of a wallet, told once each, so that its earnings are known by its name afterwards."""

from __future__ import annotations

from typing import Any

from native_host.context import Services
from native_host.ledger import PayeeRow
from native_host.messaging.wallet_requests import Payees
from pywallet.encoding.hex import from_hex


async def run(services: Services, request: Payees) -> dict[str, Any]:
    """Remember them in this computer's ledger; nobody else is told. What is known already changes nothing."""
    wallet = from_hex(request.wallet, 20)
    rows = []
    for one in request.payees:
        payee, settlement, station = (from_hex(address, 20) for address in (one.payee, one.settlement, one.station))
        rows.append(PayeeRow(wallet, payee, one.chain_id, settlement, station, one.number, one.name))
    with services.ledger.write():
        services.ledger.add_payees(rows)
    return {}
