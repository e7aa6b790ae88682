"""Writes settled lines, with everything that their published rows need, to an open epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from pywallet.crypto import keccak256
from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.errors import GomaaError
from security_server.db.queries import add, put
from security_server.db.tables import epochs, lines


def play_tag(payee: bytes, session: bytes, sequence: int) -> bytes:
    """The 7 bytes by which a listener finds its play.

    Args:
        payee: 20 bytes; the zero address declines rewards, and such a play has the tag zero.
        session: The session's digest, 32 bytes.
        sequence: Number of the invocation that the row stands for.
    """
    if payee == ZERO_ADDRESS:
        return bytes(7)
    return keccak256(payee.rjust(32, b"\0") + session + sequence.to_bytes(32, "big"))[:7]


def require_open(connection: Connection, epoch: int) -> None:
    """Refuse to count anything in an epoch that is closed, or older than one that is.

    Raises:
        GomaaError: ``server.epoch.closed``.
    """
    closed = connection.execute(select(func.max(epochs.c.epoch))).scalar()
    if closed is not None and epoch <= closed:
        raise GomaaError("server.epoch.closed", epoch=epoch)


def write_line(
    connection: Connection, epoch: int, ticket: Mapping[str, Any], intervals: int, owner: bytes, now_s: int
) -> None:
    """Add newly vouchered intervals of a ticket to an epoch, with all that the play's published row says.

    Nothing that is published reads the ticket afterwards: a song that goes on changes it. A ticket that is settled
    twice in one epoch has one line, with the facts of the later time, as its receipt has.

    Args:
        connection: Of the transaction that settles.
        epoch: The epoch that runs in this transaction.
        ticket: The ticket's row as it is now.
        intervals: Newly vouchered, more than those of earlier lines.
        owner: Who earns with the content in this epoch, 20 bytes.
        now_s: Unix seconds by the server's clock.

    Raises:
        GomaaError: ``server.epoch.closed``.
    """
    require_open(connection, epoch)
    key = {"epoch": epoch, "ticket": ticket["id"]}
    names = ("station_address", "content", "payer", "price", "reward", "interval_s", "number", "seeks")
    facts: dict[str, Any] = {name: ticket[name] for name in names}
    facts |= {
        "owner": owner,
        "tag": play_tag(ticket["payee"], ticket["session"], ticket["last_sequence"]),
        "seconds": ticket["heard_ms"] // 1000,
        "settled_s": now_s,
    }
    put(connection, lines, key, **facts)
    add(connection, lines, key, settled_intervals=intervals)
