"""Rename tables and columns so that each name has one meaning and says its unit.

Nothing but names changes: no type, no default, no row.
"""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES: Final = {
    "numbers": "ticket_numbers",
    "settled": "settled_tickets",
    "pruned": "pruned_tickets",
    "listening": "rewarded_tickets",
    "asked": "listener_tickets",
}
"""Old name to new name of a table."""

COLUMNS: Final = {
    "statements": {
        "time_ms": "received_ms",
        "spent": "spent_wei",
        "lines": "line_count",
        "code": "refusal_code",
        "reason": "refusal_json",
        "message": "statement_json",
    },
    "vouchers": {
        "statement": "statement_id",
        "cap": "cap_wei",
        "until": "until_epoch",
        "message": "voucher_json",
        "lines": "lines_json",
    },
    "accounts": {"agreed": "agreed_value"},
    "ticket_numbers": {"last": "last_number"},
    "quarantine": {"number": "ticket_number", "time_ms": "since_ms", "reason": "reason_json"},
    "acknowledgements": {"time_ms": "received_ms", "message": "acknowledgement_json"},
    "settled_tickets": {"number": "ticket_number", "acknowledgement": "acknowledgement_id"},
    "tickets": {
        "session": "session_digest",
        "price": "price_wei",
        "reward": "reward_wei",
        "bps": "commission_bps",
        "worst": "max_intervals",
        "vouchered": "vouchered_intervals",
        "settled": "settled_intervals",
        "agreed_bps": "agreed_commission_bps",
    },
    "rewarded_tickets": {"number": "ticket_number", "day": "unix_day", "fed": "points_given"},
    "listener_tickets": {"number": "ticket_number", "whole": "song_intervals"},
}
"""By the table's new name: old name to new name of a column."""

INDEXES: Final = (
    ("rewarded_tickets", "listening_of", "rewarded_tickets_listener", ["listener", "unix_day"]),
    ("rewarded_tickets", "listening_fed", "rewarded_tickets_points", ["points_given", "ticket_number"]),
    ("listener_tickets", "asked_of", "listener_tickets_listener", ["listener", "expiry_s"]),
)
"""Table, old index, new index, columns."""


def upgrade() -> None:
    """Give the new names."""
    for old, new in TABLES.items():
        op.rename_table(old, new)
    for table, names in COLUMNS.items():
        for old, new in names.items():
            op.alter_column(table, old, new_column_name=new)
    for table, old, new, columns in INDEXES:
        op.drop_index(old, table)
        op.create_index(new, table, columns)
    _rename_foreign_key("vouchers_statement_fkey", "vouchers_statement_id_fkey")


def downgrade() -> None:
    """Give the old names back."""
    _rename_foreign_key("vouchers_statement_id_fkey", "vouchers_statement_fkey")
    for table, _, new, _ in INDEXES:
        op.drop_index(new, table)
    for table, names in COLUMNS.items():
        for old, new in names.items():
            op.alter_column(table, new, new_column_name=old)
    for table, old, _, columns in INDEXES:
        names = {renamed: name for name, renamed in COLUMNS[table].items()}
        op.create_index(old, table, [names.get(column, column) for column in columns])
    for old, new in TABLES.items():
        op.rename_table(new, old)


def _rename_foreign_key(old: str, new: str) -> None:
    # PostgreSQL names the constraint after its column; SQLite leaves it without a name.
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE vouchers RENAME CONSTRAINT {old} TO {new}")
