"""Other devices and other plays of a listener, for the policy's limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import func, select

from pywallet.rules.admissibility import NOT_STARTED
from security_server.db.connection import Connection
from security_server.db.rows import Selection
from security_server.db.tables import former_plays, invocations, sessions, tickets

_UNDER_WAY: Final = ("held", "playing")

UNDER_WAY: Final = Selection(
    tickets,
    "listener",
    lambda ticket: ticket["play_state"] in _UNDER_WAY,
    tickets.c.play_state.in_(_UNDER_WAY),
)
"""Tickets whose play is held or playing, by listener."""


def devices(connection: Connection, listener: bytes, content: bytes, device: bytes) -> tuple[int, bool]:
    """Number of other devices that have played this content for this listener, and True if this one has."""
    joined = select(sessions.c.device).join(tickets, tickets.c.session == sessions.c.id).distinct()
    wanted = (tickets.c.listener == listener, tickets.c.content == content, tickets.c.play_state.not_in(NOT_STARTED))
    earlier = select(former_plays.c.device).where(
        former_plays.c.listener == listener, former_plays.c.content == content
    )
    found = {bytes(row[0]) for query in (joined.where(*wanted), earlier) for row in connection.execute(query)}
    return len(found - {device}), device in found


def streams(connection: Connection, ticket: Mapping[str, Any], since_ms: int) -> int:
    """Number of this listener's other plays that are playing and were reported since a time of the server's clock."""
    return sum(
        row["play_state"] == "playing" and row["last_received_ms"] > since_ms and row["id"] != ticket["id"]
        for row in connection.group(UNDER_WAY, ticket["listener"]).rows.values()
    )


def unused_holds(connection: Connection, ticket: Mapping[str, Any], since_ms: int) -> int:
    """Number of this listener's holds of a ticket's content since a signed time that no play of their ticket followed.

    Args:
        connection: Of a transaction.
        ticket: Its row.
        since_ms: Unix milliseconds.
    """
    held = (tickets.c.listener == ticket["listener"], tickets.c.content == ticket["content"])
    query = (
        select(func.count())
        .select_from(invocations)
        .join(tickets, tickets.c.id == invocations.c.ticket)
        .where(*held, tickets.c.start_action.is_(None), invocations.c.action == "hold", invocations.c.code.is_(None))
        .where(invocations.c.signed_ms > since_ms)
    )
    return int(connection.execute(query).scalar_one())
