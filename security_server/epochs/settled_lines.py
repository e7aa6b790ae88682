"""Writes settled lines, with all values of their published rows, to an open epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pywallet.crypto import keccak256
from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.errors import GomaaError
from security_server.db.connection import Connection
from security_server.db.queries import get, put
from security_server.db.tables import lines
from security_server.epochs.running_epoch import last_closed_epoch


def play_tag(payee: bytes, session: bytes, sequence: int) -> bytes:
    """Tag by which a listener finds its play in the published data, 7 bytes.

    Args:
        payee: 20 bytes; the zero address declines rewards, and such a play has the tag zero.
        session: The session's digest, 32 bytes.
        sequence: Sequence number of the row's invocation.
    """
    if payee == ZERO_ADDRESS:
        return bytes(7)
    return keccak256(payee.rjust(32, b"\0") + session + sequence.to_bytes(32, "big"))[:7]


def require_open(connection: Connection, epoch: int) -> None:
    """Require that an epoch is newer than every closed one.

    Raises:
        GomaaError: ``server.epoch.closed``.
    """
    closed = last_closed_epoch(connection)
    if closed is not None and epoch <= closed:
        raise GomaaError("server.epoch.closed", epoch=epoch)


def write_line(
    connection: Connection, epoch: int, ticket: Mapping[str, Any], intervals: int, owner: bytes, now_s: int
) -> None:
    """Add newly vouchered intervals of a ticket to an epoch, with all values of the play's published row.

    Published data never depends on the ticket afterwards, which changes while the song plays on. A ticket that is
    settled twice in one epoch has one line, with the facts of the later time, as its receipt has.

    Args:
        connection: Of the transaction that settles.
        epoch: The epoch that runs in this transaction.
        ticket: The ticket's row as it is now.
        intervals: Newly vouchered, more than those of earlier lines.
        owner: Owner of the content in this epoch, 20 bytes.
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
    before = get(connection, lines, **key)
    facts["settled_intervals"] = intervals + (before["settled_intervals"] if before is not None else 0)
    put(connection, lines, key, **facts)
