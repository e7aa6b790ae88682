"""Checks that the payer's escrow and vouchers cover the next interval of a play."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pywallet.protocol.actions import STARTS
from security_server.billing.accounts import is_beyond_credit, missing_escrow, outstanding
from security_server.db.connection import Connection
from security_server.playback.conditions import Conditions


def is_free(ticket: Mapping[str, Any], action: str) -> bool:
    """True if the play is free: a preview where the listener would pay."""
    return ticket["payer"] != ticket["station_address"] and (action == "preview" or ticket["start_action"] == "preview")


def unpaid_code(
    connection: Connection, ticket: Mapping[str, Any], action: str, intervals: int, conditions: Conditions
) -> str | None:
    """Code of the refusal where escrow does not cover the next interval, or the payer's vouchers lag; None: covered.

    Checked when a play starts and when an interval is full; of a listener who pays also at every report.

    Args:
        connection: Of the deciding transaction.
        ticket: Its row.
        action: Name of the action.
        intervals: Full intervals of the ticket after the action.
        conditions: The payer's escrow and the credit settings.
    """
    each, listener_pays = ticket["price"] + ticket["reward"], ticket["payer"] != ticket["station_address"]
    if not each or is_free(ticket, action):
        return None
    new = intervals - ticket["heard_intervals"]
    if action not in STARTS | {"hold"} and not new and not listener_pays:
        return None
    money = conditions.money
    owed = outstanding(connection, ticket["payer"], conditions.epoch)
    small = money is not None and owed.is_below_minimum(money.bps, conditions.least_wei, new * each * listener_pays)
    if listener_pays and owed.intervals + new >= conditions.listener_credit and not small:
        return "listener.voucher.missing"
    # Plays without a voucher beside this one: a station's debt is bounded at every interval.
    others = owed.plays - (ticket["unvouchered_intervals"] > 0)
    limits = (conditions.time_ms, conditions.credit_plays, conditions.credit_s)
    if not listener_pays and not small and is_beyond_credit(connection, ticket["payer"], others, *limits):
        return "station.credit.exhausted"
    # A listener's next interval is covered before it is heard.
    wanted = new + 1 if listener_pays else max(1, new)
    if money is None or missing_escrow(money, owed, wanted * each) > 0:
        return "listener.escrow.short" if listener_pays else "station.escrow.short"
    return None
