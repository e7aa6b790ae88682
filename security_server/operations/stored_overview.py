"""The database's part of the overview, in one read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection as SqlConnection
from sqlalchemy import func, select, text

from security_server.db.refusal_counts import DAY_MS
from security_server.db.tables import challenges, epochs, queued_claims, refusal_counts, tickets
from security_server.epochs.settlement_state import State

MOST_EPOCHS: Final = 20
"""Epochs without a post that are listed, oldest first."""


@dataclass(frozen=True)
class Owed:
    """Amounts that a station has not signed a voucher for.

    Attributes:
        plays: Plays with such intervals.
        intervals: Those intervals.
        net_wei: Their value before commission, wei.
    """

    plays: int = 0
    intervals: int = 0
    net_wei: int = 0


@dataclass(frozen=True)
class StoredOverview:
    """Contents of the database in numbers.

    Attributes:
        epochs: Number of closed epochs by settlement state.
        unposted: Epochs that are closed and not posted, oldest first, with their state.
        challenges: Open challenges.
        queued_claims: Claims that wait to be relayed.
        owed: By station, 20 bytes; listeners who pay for themselves are not among them.
        refusals: Refused tickets and invocations of the day by code.
        database_bytes: Size of the database.
    """

    epochs: Mapping[str, int]
    unposted: tuple[tuple[int, str], ...]
    challenges: int
    queued_claims: int
    owed: Mapping[bytes, Owed]
    refusals: Mapping[str, int]
    database_bytes: int


def read_overview(connection: SqlConnection, now_ms: int) -> StoredOverview:
    """Read the overview.

    Args:
        connection: Of a reading transaction.
        now_ms: The chain's time, Unix milliseconds.
    """
    states = select(epochs.c.settlement_state, func.count()).group_by(epochs.c.settlement_state)
    waiting = (
        select(epochs.c.epoch, epochs.c.settlement_state)
        .where(epochs.c.settlement_state.in_((State.CLOSED, State.POSTING)))
        .order_by(epochs.c.epoch)
        .limit(MOST_EPOCHS)
    )
    opened = select(func.count()).select_from(challenges).where(challenges.c.closed_block.is_(None))
    refused = (
        select(refusal_counts.c.code, func.sum(refusal_counts.c["count"]))
        .where(refusal_counts.c.day == now_ms // DAY_MS)
        .group_by(refusal_counts.c.code)
    )
    return StoredOverview(
        epochs={str(state): int(number) for state, number in connection.execute(states)},
        unposted=tuple((int(epoch), str(state)) for epoch, state in connection.execute(waiting)),
        challenges=int(connection.execute(opened).scalar_one()),
        queued_claims=int(connection.execute(select(func.count()).select_from(queued_claims)).scalar_one()),
        owed=_owed(connection),
        refusals={str(code): int(number) for code, number in connection.execute(refused)},
        database_bytes=_size(connection),
    )


def _owed(connection: SqlConnection) -> dict[bytes, Owed]:
    # Grouped by terms: wei are text, so the database cannot multiply them.
    terms = (tickets.c.station_address, tickets.c.price, tickets.c.reward)
    query = (
        select(*terms, func.count(), func.sum(tickets.c.unvouchered_intervals))
        .where(tickets.c.unvouchered_intervals > 0, tickets.c.payer == tickets.c.station_address)
        .group_by(*terms)
    )
    found: dict[bytes, Owed] = defaultdict(Owed)
    for station, price, reward, plays, intervals in connection.execute(query):
        before = found[bytes(station)]
        net_wei = before.net_wei + int(intervals) * (price + reward)
        found[bytes(station)] = Owed(before.plays + int(plays), before.intervals + int(intervals), net_wei)
    return dict(found)


def _size(connection: SqlConnection) -> int:
    if connection.dialect.name == "postgresql":
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
