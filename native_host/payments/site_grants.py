"""Listening grants: a site that was paused or revoked plays nothing; paid songs are debited before they sound."""

from __future__ import annotations

from typing import Final

from native_host.ledger import Ledger
from native_host.ledger.site_store import EVERYWHERE, SiteRow
from pywallet.errors import Refusal
from pywallet.policy import Meter, Price
from pywallet.protocol.commission import gross_bound

DAY_MS: Final = 86_400_000
FREE: Final = "preview"
_CODES: Final = {"paused": "site.paused", "revoked": "site.consent"}


def day_of(time_ms: int) -> int:
    """The day of a budget, counted from 1970 in UTC: every one has 24 hours, whatever the place and its summer time."""
    return time_ms // DAY_MS


def most(intervals: int, price: int, bps: int) -> int:
    """The most that intervals may cost with commission, wei: a sum's floor may be shared out with one wei more."""
    return gross_bound(intervals * price, bps)


def allow(
    ledger: Ledger,
    origin: str,
    ticket: bytes,
    price: Price,
    action: str,
    meter: Meter,
    time_ms: int,
    begun: str | None = "play",
    bps: int = 0,
    around: str = "",
) -> None:
    """Within the transaction that records ``action``: refuse it, or set aside what it may cost.

    ``begun``: what began this ticket's play.

    ``around``: origin of the tab's page, where ``origin``'s may be a frame. A pause of that one holds for its frames,
    and no budget does.

    Where the listener pays, the interval that begins is paid before it is
    heard, with commission: with ``meter`` after the action, full intervals and
    one more. A stop gives back what was not heard. The transaction that fails takes its debit back. Raises Refusal
    ``site.paused``, ``site.consent``, ``site.budget``.
    """
    if action == "stop":
        _release(ledger, ticket, price, meter, bps)
    if action in ("pause", "stop"):
        return
    site = ledger.site(origin)
    for row in (site, ledger.site(around or origin)):
        if row is not None and row.state in _CODES:
            raise Refusal(_CODES[row.state], origin=row.origin)
    if price.payer != "listener" or not price.owner or begun == FREE:
        return
    cost = most(meter.intervals(price.interval_s) + 1, price.owner, bps) - ledger.debited(ticket)
    if cost <= 0:
        return
    if around not in ("", origin):
        raise Refusal("site.budget", origin=origin, cost_wei=str(cost), day_wei="0")
    day = day_of(time_ms)
    for row in (site or SiteRow(origin), ledger.site(EVERYWHERE) or SiteRow(EVERYWHERE)):
        if ledger.spent(row.origin, day) + cost > row.day_wei:
            raise Refusal("site.budget", origin=row.origin, cost_wei=str(cost), day_wei=str(row.day_wei))
    ledger.debit(ticket, origin, day, cost)


def _release(ledger: Ledger, ticket: bytes, price: Price, meter: Meter, bps: int) -> None:
    """A play that is over costs its full intervals and no more."""
    if (
        price.payer == "listener"
        and (rest := ledger.debited(ticket) - most(meter.intervals(price.interval_s), price.owner, bps)) > 0
    ):
        ledger.release(ticket, rest)
