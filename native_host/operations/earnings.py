"""``earnings``: receipts of a wallet, in pages."""

from __future__ import annotations

from messages.browser_host.earnings import Earnings, EarningsResult, ReceiptKey
from native_host.context import Services
from native_host.ledger.payee_store import NEWEST
from pywallet.encoding.hex import from_hex


async def run(services: Services, request: Earnings) -> EarningsResult:
    """Read one page from the ledger alone; ``summary`` brings the ledger up to date."""
    wallet = from_hex(request.wallet, 20)
    after = NEWEST
    if request.after is not None:
        key = request.after
        after = (key.epoch, from_hex(key.server, 20), from_hex(key.payee, 20), key.chain_id)
    rows = services.earnings.page(wallet, after, request.limit, request.state, {})
    if len(rows) < request.limit:
        return EarningsResult(rows, None)
    last = rows[-1]
    return EarningsResult(rows, ReceiptKey(last.epoch, last.server, last.payee, last.chain_id))
