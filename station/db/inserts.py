"""Row writes shared by the station's stores, inside an open transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from station.db.tables import STATEMENTS, TICKETS, VOUCHERS


def insert(db: Connection, table: sa.Table, values: Mapping[str, Any]) -> int:
    """Insert a row and return its number."""
    key = db.execute(sa.insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def upsert(db: Connection, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Update the row of this key, or insert it."""
    here = [table.c[name] == value for name, value in key.items()]
    if not db.execute(sa.update(table).where(*here).values(**values)).rowcount:
        db.execute(sa.insert(table).values(**key, **values))


def raise_counts(db: Connection, number: int, vouchered: int, settled: int, bps: int) -> None:
    """Raise a ticket's intervals and its agreed commission (basis points); none of them ever falls."""
    here = TICKETS.c.number == number
    raised = {"vouchered_intervals": vouchered, "settled_intervals": settled, "agreed_commission_bps": bps}
    old = db.execute(sa.select(*(TICKETS.c[name] for name in raised)).where(here)).one()
    values = {name: max(value, getattr(old, name)) for name, value in raised.items()}
    db.execute(sa.update(TICKETS).where(here).values(**values))


def insert_statement(
    db: Connection, server: bytes, time_ms: int, epoch: int, spent: int, lines: int, message: str, **refusal: str
) -> int:
    """Insert a statement and return its id."""
    values = {"server": server, "received_ms": time_ms, "epoch": epoch, "spent_wei": str(spent), "line_count": lines}
    return insert(db, STATEMENTS, {**values, "statement_json": message, **refusal})


def insert_voucher(
    db: Connection, server: bytes, statement_id: int, cap: int, until: int, message: str, **more: Any
) -> int:
    """Insert a voucher and return its id."""
    values = {"server": server, "statement_id": statement_id, "cap_wei": str(cap), "until_epoch": until}
    return insert(db, VOUCHERS, {**values, "voucher_json": message, **more})
