"""Listeners per segment of a content, published only where they are many (docs/settlement.md)."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from sqlalchemy import select

from pywallet.policy import FASTEST, Meter
from pywallet.settlement import FEW, SEGMENT_S
from security_server.db.connection import Connection
from security_server.db.tables import invocations, tickets, tracked

_LONGEST: Final = 0xFFFF
"""Highest segment number; the published field has 16 bits."""


def most_played(connection: Connection, epoch: int, few: int = FEW) -> tuple[tuple[bytes, int, int], ...]:
    """Distinct listeners of each segment of a content in an epoch, where there are at least ``few``.

    Between two accepted invocations of a ticket the song plays from the first one's position for as long as the meter
    counts as heard; a stretch across two epochs belongs to the later one. Only tickets in ``tracked`` count.

    Args:
        connection: Of a transaction.
        epoch: The epoch.
        few: Least number of listeners that is published.

    Returns:
        (content, number of the ``SEGMENT_S``-second segment, listeners), by content and segment.
    """
    here = select(invocations.c.ticket).where(invocations.c.epoch == epoch, invocations.c.code.is_(None))
    rows = connection.execute(
        select(
            invocations.c.epoch,
            invocations.c.ticket,
            invocations.c.action,
            invocations.c.position_ms,
            invocations.c.signed_ms,
            tickets.c.content,
            tickets.c.listener,
        )
        .join(tickets, tickets.c.id == invocations.c.ticket)
        .join(tracked, tracked.c.ticket == invocations.c.ticket)
        .where(invocations.c.ticket.in_(here), invocations.c.epoch <= epoch, invocations.c.code.is_(None))
        .order_by(invocations.c.session, invocations.c.sequence)
    )
    meters: dict[bytes, Meter] = {}
    heard: dict[tuple[bytes, int], set[bytes]] = defaultdict(set)
    fast: set[bytes] = set()
    for row in rows:
        if row.action == "rate":
            fast.add(row.ticket)
        before = meters.get(row.ticket, Meter())
        after = meters[row.ticket] = before.advance(
            row.action, row.position_ms, row.signed_ms, FASTEST if row.ticket in fast else 1
        )
        first, length = before.position_ms // (SEGMENT_S * 1000), after.heard_ms - before.heard_ms
        if length and row.epoch == epoch:
            last = (before.position_ms + length - 1) // (SEGMENT_S * 1000)
            for segment in range(first, min(last, _LONGEST) + 1):
                heard[(row.content, segment)].add(row.listener)
    return tuple((content, segment, len(who)) for (content, segment), who in sorted(heard.items()) if len(who) >= few)
