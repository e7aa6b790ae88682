"""Which stretches of a content were heard, and by how many: published only where they are many (docs/settlement.md)."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from sqlalchemy import Connection, select

from pywallet.policy import FASTEST, Meter
from pywallet.settlement import FEW, SEGMENT_S
from security_server.db.tables import invocations, tickets, tracked

_LONGEST: Final = 0xFFFF
"""Segments of a content that are told apart."""


def most_played(connection: Connection, epoch: int, few: int = FEW) -> tuple[tuple[bytes, int, int], ...]:
    """(content, segment of ``SEGMENT_S`` seconds, distinct listeners), by content and segment, from ``few`` listeners
    on.

    Between two accepted invocations of a ticket the song ran on from the first
    one's position for as long as the meter counts as heard; a stretch across
    the border of two epochs belongs to the later. Listeners whom the policy's
    ``tracking`` and their own choice leave out are not counted.
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
