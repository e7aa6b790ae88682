"""Add the tables of the dashboard: posted epochs, sums by day, passages, refusals, audience. No row changes."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES: Final = {
    "posted_epochs": {
        "server": "address",
        "epoch": "number",
        "starts_s": "count",
        "state": "word",
        "net_wei": "amount",
        "gross_gwei": "count",
        "gross_rest_wei": "count",
        "commission_bps": "small",
        "data_hash": "hash",
    },
    "posted_lines": {
        "server": "address",
        "epoch": "number",
        "line": "index",
        "content": "bytes",
        "owner": "bytes",
        "price_wei": "amount",
        "reward_wei": "amount",
        "interval_s": "small",
        "intervals": "count",
        "plays": "count",
        "refused": "count",
        "seeks": "count",
        "heard_s": "count",
    },
    "day_plays": {
        "unix_day": "index",
        "content": "address",
        "plays": "count",
        "refused": "count",
        "seeks": "count",
        "heard_s": "count",
        "owner_gwei": "count",
        "owner_rest_wei": "count",
        "reward_gwei": "count",
        "reward_rest_wei": "count",
    },
    "passages": {"content": "address", "segment": "index", "listeners": "count"},
    "read_epochs": {"server": "address", "until_epoch": "count"},
    "day_refusals": {"unix_day": "index", "code": "code", "refusals": "count"},
    "audience": {"slot_s": "number", "extension_peak": "small", "plain_peak": "small"},
}
"""Columns of the new tables by kind."""


def _column(name: str, kind: str) -> sa.Column[Any]:
    types: dict[str, sa.types.TypeEngine[Any]] = {
        "address": sa.LargeBinary(20),
        "bytes": sa.LargeBinary(20),
        "hash": sa.LargeBinary(32),
        "number": sa.BigInteger(),
        "index": sa.Integer(),
        "count": sa.BigInteger(),
        "small": sa.Integer(),
        "amount": sa.String(40),
        "word": sa.String(8),
        "code": sa.String(60),
    }
    keys = {"address", "number", "index", "code"}
    return sa.Column(name, types[kind], primary_key=kind in keys, autoincrement=False, nullable=False)


def upgrade() -> None:
    """Make the tables."""
    for table, columns in TABLES.items():
        op.create_table(table, *(_column(name, kind) for name, kind in columns.items()))
    op.create_index("posted_epochs_time", "posted_epochs", ["starts_s"])
    op.create_index("posted_epochs_state", "posted_epochs", ["state"])


def downgrade() -> None:
    """Drop them."""
    for table in TABLES:
        op.drop_table(table)
