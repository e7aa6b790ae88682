"""``sites``: every site's grant, what it cost today and what it brought."""

from __future__ import annotations

from typing import Any

from native_host.host import Host
from native_host.ledger.site_store import EVERYWHERE, SiteRow
from native_host.messaging.requests import Sites
from pywallet.encoding.hex import from_hex


async def run(host: Host, request: Sites) -> dict[str, Any]:
    """The grants, last used first, and the budget of all sites together. Amounts in wei."""
    day = host.today()
    earned: dict[str, int] = {}
    for station, intervals, reward in host.ledger.heard_sums(from_hex(request.wallet, 20), 0) if request.wallet else ():
        earned[station] = earned.get(station, 0) + intervals * reward
    every = host.ledger.site(EVERYWHERE) or SiteRow(EVERYWHERE)
    return {
        "day_wei": str(every.day_wei),
        "spent_wei": str(host.ledger.spent(EVERYWHERE, day)),
        "sites": [
            {
                "origin": row.origin,
                "state": row.state,
                "day_wei": str(row.day_wei),
                "spent_wei": str(host.ledger.spent(row.origin, day)),
                "earned_wei": str(earned.get(row.origin.partition("://")[2], 0)),
                "first_s": row.first_s,
                "last_s": row.last_s,
            }
            for row in host.ledger.sites()
            if row.origin != EVERYWHERE
        ],
    }
