"""One meaning per column name: columns with two meanings under one name, or with an unclear one, get their own."""

from __future__ import annotations

from typing import Final

from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"

RENAMED: Final = {
    "contents": {"owner": "header_owner", "shredded_ms": "keys_deleted_ms", "code": "keys_deleted_code"},
    "content_keys": {"epoch": "key_epoch", "sealed": "sealed_key"},
    "sessions": {"station": "station_address", "sequence": "last_sequence"},
    "tickets": {
        "station": "station_address",
        "owner": "header_owner",
        "state": "play_state",
        "started": "start_action",
        "time_ms": "last_signed_ms",
        "seen_ms": "last_received_ms",
        "sequence": "last_sequence",
        "invocation": "last_invocation",
        "intervals": "heard_intervals",
        "vouchered": "vouchered_intervals",
        "due": "unvouchered_intervals",
        "refused": "kept_refusals",
    },
    "invocations": {"time_ms": "signed_ms"},
    "given_keys": {"seconds": "second_bits", "since_ms": "wait_since_ms"},
    "listeners": {"ticket": "playing_ticket", "time_ms": "counted_until_ms"},
    "refusal_counts": {"what": "request_kind"},
    "destructions": {"time_ms": "signed_ms"},
    "payers": {"base": "base_gross"},
    "lines": {"station": "station_address", "intervals": "settled_intervals", "time_s": "settled_s"},
    "debits": {"listener": "is_listener"},
    "epoch_terms": {"station": "station_address"},
    "epoch_refused": {"station": "station_address", "count": "kept_refusals"},
    "epoch_totals": {"stations": "station_payers", "listeners": "listener_payers"},
    "payees": {"owned": "owner_amount"},
    "receipts": {"detail": "detail_hash"},
    "epochs": {"state": "settlement_state", "rate": "bps", "digest": "entries_digest", "leaves": "leaf_count"},
    "takeovers": {"before": "former_server", "counted": "counters_final"},
    "former_plays": {"started": "start_action"},
    "entries": {"place": "entry_index"},
    "challenges": {"closed": "closed_block"},
    "relay_costs": {"time_ms": "reserved_ms", "wei": "gas_wei"},
    "claims": {"to": "recipient", "time_ms": "sent_ms"},
    "queued_claims": {"due_ms": "send_by_ms", "tries": "attempts"},
    "marks": {"number": "value"},
}
"""Table to its columns, old name to new name."""


def upgrade() -> None:
    """Rename the columns, and ``marks`` to ``cursors``; the mark that named the first schema goes."""
    op.execute("DELETE FROM marks WHERE name = 'schema'")
    for table, columns in RENAMED.items():
        for old, new in columns.items():
            # SQLite from 3.25 and PostgreSQL both rename in place: data, keys and indexes follow.
            op.alter_column(table, old, new_column_name=new)
    op.rename_table("marks", "cursors")
    if op.get_bind().dialect.name == "postgresql":
        # PostgreSQL names a constraint after its columns; SQLite leaves it without a name.
        op.execute(
            "ALTER TABLE tickets RENAME CONSTRAINT tickets_station_number_key TO tickets_station_address_number_key"
        )
