"""``site``: what one site may do, as the person says it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from native_host.host import Host
from native_host.ledger.site_store import SiteRow
from native_host.messaging.requests import Site


async def run(host: Host, request: Site) -> dict[str, Any]:
    """Write a grant.

    Fields that are absent stay as they are; a site never heard of begins allowed and may spend nothing.
    """
    now_s = int(time.time())
    with host.ledger.write():
        row = host.ledger.site(request.origin) or SiteRow(request.origin, first_s=now_s)
        row = replace(row, state=request.state or row.state, last_s=now_s)
        if request.day_wei is not None:
            row = replace(row, day_wei=int(request.day_wei))
        host.ledger.set_site(row)
    return {"origin": row.origin, "state": row.state, "day_wei": str(row.day_wei)}
