"""``sites``: every site's grant, its cost today and its earnings."""

from __future__ import annotations

from messages.browser_host.listening import SiteEntry, Sites, SitesResult
from native_host.context import Services
from native_host.ledger.site_store import EVERYWHERE, SiteRow
from pywallet.encoding.hex import from_hex


async def run(services: Services, request: Sites) -> SitesResult:
    """Read the grants and the budget of all sites together."""
    day = services.clock.today()
    earned: dict[str, int] = {}
    for station, intervals, reward in (
        services.ledger.play_sums(from_hex(request.wallet, 20), 0) if request.wallet else ()
    ):
        earned[station] = earned.get(station, 0) + intervals * reward
    all_sites = services.ledger.site(EVERYWHERE) or SiteRow(EVERYWHERE)
    return SitesResult(
        day_wei=str(all_sites.daily_budget_wei),
        spent_wei=str(services.ledger.spent(EVERYWHERE, day)),
        sites=[
            SiteEntry(
                origin=row.origin,
                state=row.state,
                day_wei=str(row.daily_budget_wei),
                spent_wei=str(services.ledger.spent(row.origin, day)),
                earned_wei=str(earned.get(row.origin.partition("://")[2], 0)),
                first_s=row.first_used_s,
                last_s=row.last_used_s,
            )
            for row in services.ledger.sites()
            if row.origin != EVERYWHERE
        ],
    )
