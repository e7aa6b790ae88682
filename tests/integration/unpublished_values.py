"""Values of the servers' databases that are not published, to search responses for."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

from pywallet.crypto import address_of
from pywallet.settlement import EpochData
from tests.integration.server_world import SCHEDULE, World


def written(second: int) -> set[str]:
    """ISO 8601 forms of a time, local and UTC."""
    return {
        moment.isoformat(timespec="seconds")[:19]
        for moment in (datetime.fromtimestamp(second), datetime.fromtimestamp(second, UTC))
    }


def unpublished_values(world: World, published: EpochData) -> dict[str, str]:
    """Unpublished values in all rows of both databases: each as text, with its table and column."""
    whole = published.encode()
    begin_s = published.epoch * SCHEDULE.length
    seconds = {begin_s + play.second for play in published.plays}
    numbers = {play.ticket for play in published.plays}
    found: dict[str, str] = {}
    for path in (world.folder / "server.sqlite3", world.folder / "station.sqlite3"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                rows = database.execute(f"SELECT * FROM {table}")
                for row in rows:
                    for (column, *_), value in zip(rows.description, row, strict=True):
                        if isinstance(value, bytes) and 16 <= len(value) <= 256 and value not in whole:
                            for text in (value.hex(), base64.b64encode(value).decode()):
                                found[text] = f"{found.get(text, '')} {table}.{column}"
                        elif isinstance(value, int) and _identifies(column, value, seconds, numbers):
                            found[str(value)] = f"{table}.{column}"
                            if column != "number":
                                second = value // 1000 if column.endswith("_ms") else value
                                found |= dict.fromkeys(written(second), f"{table}.{column}")
    for public in public_values(world):
        found.pop(public.hex(), None)
        found.pop(base64.b64encode(public).decode(), None)
    return found


def _identifies(column: str, value: int, seconds: set[int], numbers: set[int]) -> bool:
    """True if a number identifies a row: a time or a ticket's number."""
    if value < 1 << 24:
        return False
    if column.endswith("_ms"):
        return value // 1000 not in seconds
    return (column.endswith("_s") and value not in seconds) or (column == "number" and value not in numbers)


def public_values(world: World) -> Iterator[bytes]:
    """Values that are on the chain, or belong to server, station and band."""
    with sqlite3.connect(f"file:{world.folder / 'server.sqlite3'}?mode=ro", uri=True) as database:
        for query in (
            "SELECT root, entries_digest, counts_root, data_hash, commitment, transaction_ FROM epochs",
            "SELECT content, header_owner, policy_hash FROM contents",
            "SELECT signature, payer FROM entries",
            "SELECT signature, payer FROM debits",
        ):
            for row in database.execute(query.replace("transaction_", '"transaction"')):
                yield from (bytes(value) for value in row if value is not None)
    yield from (world.station, world.keys.address, address_of(world.owner_key), bytes(20))
