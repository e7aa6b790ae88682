"""``payees``: record the one-time addresses of a wallet, whose receipts are its earnings."""

from __future__ import annotations

from messages.browser_host.earnings import Payees
from messages.fields import Empty
from native_host.context import Services
from native_host.ledger import PayeeRow
from pywallet.encoding.hex import from_hex


async def run(services: Services, request: Payees) -> Empty:
    """Record payees in the ledger. Recorded ones stay as they are."""
    wallet = from_hex(request.wallet, 20)
    rows = []
    for payee in request.payees:
        address, settlement, station = (from_hex(text, 20) for text in (payee.payee, payee.settlement, payee.station))
        rows.append(PayeeRow(wallet, address, payee.chain_id, settlement, station, payee.number, payee.name))
    with services.ledger.write():
        services.ledger.add_payees(rows)
    return Empty()
