"""Other devices and other plays of a listener, for the policy's limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from security_server.db.tables import former_plays, sessions, tickets


def devices(connection: Connection, listener: bytes, content: bytes, device: bytes) -> tuple[int, bool]:
    """Number of other devices that have played this content for this listener, and True if this one has."""
    joined = select(sessions.c.device).join(tickets, tickets.c.session == sessions.c.id).distinct()
    wanted = (tickets.c.listener == listener, tickets.c.content == content, tickets.c.play_state != "none")
    earlier = select(former_plays.c.device).where(
        former_plays.c.listener == listener, former_plays.c.content == content
    )
    found = {bytes(row[0]) for query in (joined.where(*wanted), earlier) for row in connection.execute(query)}
    return len(found - {device}), device in found


def streams(connection: Connection, ticket: Mapping[str, Any], since_ms: int) -> int:
    """Number of this listener's other plays that are playing and were reported since a time of the server's clock."""
    others = (tickets.c.listener == ticket["listener"], tickets.c.id != ticket["id"])
    sounding = (tickets.c.play_state == "playing", tickets.c.last_received_ms > since_ms)
    return int(connection.execute(select(func.count()).select_from(tickets).where(*others, *sounding)).scalar_one())
