"""Bounds on the terms of new tickets and on stored refused plays, so that every epoch fits its format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import func, select

from pywallet.errors import Refusal
from security_server.billing.fair_slots import WIDTH
from security_server.db.connection import Connection
from security_server.db.queries import add, get, new
from security_server.db.tables import epoch_refused, epoch_terms

REFUSED_PER_TICKET: Final = 4
"""Refused plays of one ticket that are kept with their signature and published; further ones are only counted."""
REFUSED_PER_STATION: Final = 10_000
"""Refused plays of one station that are kept and published in one epoch."""


def require_terms(
    connection: Connection, epoch: int, station: bytes, price: int, reward: int, interval_s: int, most: int
) -> None:
    """Require that a new ticket's terms fit the published data of an epoch.

    Args:
        connection: Of the transaction that writes the ticket.
        epoch: The running epoch.
        station: The station that signed the ticket, 20 bytes.
        price: Wei per interval to the owner.
        reward: Wei per interval to the listener.
        interval_s: Length of an interval, seconds.
        most: Most different terms of one station in one epoch.

    Raises:
        Refusal: ``ticket.mismatch`` with ``reason`` price (one interval is more than an entry holds) or terms (too many
            different).
    """
    if price + reward > WIDTH or not 0 < interval_s < 1 << 32:
        raise Refusal("ticket.mismatch", reason="price")
    key = {"epoch": epoch, "station_address": station, "price": price, "reward": reward, "interval_s": interval_s}
    if get(connection, epoch_terms, **key) is not None:
        return
    here = (epoch_terms.c.epoch == epoch, epoch_terms.c.station_address == station)
    if connection.execute(select(func.count()).select_from(epoch_terms).where(*here)).scalar_one() >= most:
        raise Refusal("ticket.mismatch", reason="terms", most=most)
    new(connection, epoch_terms, **key)


def keeps_refused(connection: Connection, epoch: int, ticket: Mapping[str, Any]) -> bool:
    """Count a refused play of a ticket as kept, if there is room; True if it is to be kept with its signature.

    Args:
        connection: Of the transaction that decides the play.
        epoch: The running epoch.
        ticket: Its row.
    """
    if ticket["kept_refusals"] >= REFUSED_PER_TICKET:
        return False
    row = get(connection, epoch_refused, epoch=epoch, station_address=ticket["station_address"])
    if row is not None and row["kept_refusals"] >= REFUSED_PER_STATION:
        return False
    add(connection, epoch_refused, {"epoch": epoch, "station_address": ticket["station_address"]}, kept_refusals=1)
    return True
