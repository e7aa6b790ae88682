"""Listening grants: a paused or revoked site plays nothing; paid intervals are debited before they are played."""

from __future__ import annotations

from typing import Final

from native_host.ledger import Ledger
from native_host.ledger.site_store import EVERYWHERE, SiteRow
from native_host.remote.clock import day_of
from pywallet.errors import Refusal
from pywallet.policy import Meter, Price
from pywallet.protocol.actions import FREE
from pywallet.protocol.commission import gross_bound

_FREE: Final = "preview"
_CODES: Final = {"paused": "site.paused", "revoked": "site.consent"}


def max_cost(intervals: int, price: int, bps: int) -> int:
    """Upper bound of the cost of intervals with commission, wei: rounding may add one wei."""
    return gross_bound(intervals * price, bps)


def allow(
    ledger: Ledger,
    origin: str,
    ticket: bytes,
    price: Price,
    action: str,
    meter: Meter,
    time_ms: int,
    start_action: str | None = "play",
    bps: int = 0,
    top_origin: str = "",
) -> None:
    """Refuse an action, or debit what it may cost, within the transaction that records it.

    Where the listener pays, each interval is debited before it is played, with commission: the full intervals of
    ``meter`` and one more. A stop releases what was not played.

    Args:
        ledger: The ledger, in a transaction whose failure reverts the debit.
        origin: Origin of the page that plays.
        ticket: Digest of the ticket, 32 bytes.
        price: Price in the content's policy.
        action: The invocation's action.
        meter: The ticket's meter after the action.
        time_ms: Unix ms of the invocation.
        start_action: The action that began the ticket's play.
        bps: Commission, basis points.
        top_origin: Origin of the tab's page, of which the page that plays may be a frame. Its pause applies to its
            frames, its budget does not.

    Raises:
        Refusal: ``site.paused``, ``site.consent``, ``site.budget``.
    """
    if action == "stop":
        _release(ledger, ticket, price, meter, bps)
    if action in FREE:
        return
    site = ledger.site(origin)
    for row in (site, ledger.site(top_origin or origin)):
        if row is not None and row.state in _CODES:
            raise Refusal(_CODES[row.state], origin=row.origin)
    if price.payer != "listener" or not price.owner or start_action == _FREE:
        return
    cost = max_cost(meter.intervals(price.interval_s) + 1, price.owner, bps) - ledger.debited(ticket)
    if cost <= 0:
        return
    if top_origin not in ("", origin):
        raise Refusal("site.budget", origin=origin, cost_wei=str(cost), day_wei="0")
    day = day_of(time_ms)
    for row in (site or SiteRow(origin), ledger.site(EVERYWHERE) or SiteRow(EVERYWHERE)):
        if ledger.spent(row.origin, day) + cost > row.daily_budget_wei:
            raise Refusal("site.budget", origin=row.origin, cost_wei=str(cost), day_wei=str(row.daily_budget_wei))
    ledger.debit(ticket, origin, day, cost)


def _release(ledger: Ledger, ticket: bytes, price: Price, meter: Meter, bps: int) -> None:
    """Release what exceeds the cost of a stopped play's full intervals."""
    if (
        price.payer == "listener"
        and (rest := ledger.debited(ticket) - max_cost(meter.intervals(price.interval_s), price.owner, bps)) > 0
    ):
        ledger.release(ticket, rest)
