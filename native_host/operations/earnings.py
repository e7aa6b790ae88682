"""``earnings``: receipts of a wallet, in pages."""

from __future__ import annotations

from typing import Any

from messages.browser_host.earnings import Earnings
from native_host.context import Services
from native_host.ledger.payee_store import NEWEST
from pywallet.encoding.hex import from_hex


async def run(services: Services, request: Earnings) -> dict[str, Any]:
    """One page from the ledger, newest epoch first; ``summary`` asks servers and chain.

    Returns:
        ``receipts`` as in ``summary``, and ``next``: ``after`` of the next page, null at the end.
    """
    wallet = from_hex(request.wallet, 20)
    after = NEWEST
    if request.after is not None:
        key = request.after
        after = (key.epoch, from_hex(key.server, 20), from_hex(key.payee, 20), key.chain_id)
    rows = services.earnings.page(wallet, after, request.limit, request.state, {})
    last = (
        {name: rows[-1][name] for name in ("epoch", "server", "payee", "chain_id")}
        if len(rows) == request.limit
        else None
    )
    return {"receipts": rows, "next": last}
