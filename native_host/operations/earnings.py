"""``earnings``: receipts of a wallet, page by page."""

from __future__ import annotations

from typing import Any

from native_host.host import Host
from native_host.ledger.payee_store import NEWEST
from native_host.messaging.requests import Earnings
from native_host.payments import earnings
from pywallet.encoding.hex import from_hex


async def run(host: Host, request: Earnings) -> dict[str, Any]:
    """One page, newest epoch first, as the ledger has it: ``summary`` asks servers and chain.

    Returns:
        ``receipts`` as in ``summary``, and ``next``: what to give as ``after`` for the page behind it, null at the end.
    """
    wallet = from_hex(request.wallet, 20)
    after = NEWEST
    if request.after is not None:
        one = request.after
        after = (one.epoch, from_hex(one.server, 20), from_hex(one.payee, 20), one.chain_id)
    found = earnings.page(host, wallet, after, request.limit, request.state, host.looks.epochs)
    last = (
        {name: found[-1][name] for name in ("epoch", "server", "payee", "chain_id")}
        if len(found) == request.limit
        else None
    )
    return {"receipts": found, "next": last}
