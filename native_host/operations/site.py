"""``site``: change a site's grant."""

from __future__ import annotations

import time
from dataclasses import replace

from messages.browser_host.listening import Site, SiteResult
from native_host.context import Services
from native_host.ledger.site_store import SiteRow


async def run(services: Services, request: Site) -> SiteResult:
    """Change the given fields. A new grant is ``allowed`` with a budget of 0."""
    now_s = int(time.time())
    with services.ledger.write():
        row = services.ledger.site(request.origin) or SiteRow(request.origin, first_used_s=now_s)
        row = replace(row, state=request.state or row.state, last_used_s=now_s)
        if request.day_wei is not None:
            row = replace(row, daily_budget_wei=int(request.day_wei))
        services.ledger.set_site(row)
    return SiteResult(row.origin, row.state, str(row.daily_budget_wei))
