"""Baseline: the tables of the first released schema."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "challenges",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payee", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.String(length=80), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("closed", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("epoch", "payee", "amount"),
    )
    op.create_index("challenges_closed", "challenges", ["closed"], unique=False)
    op.create_table(
        "claims",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payee", sa.LargeBinary(length=20), nullable=False),
        sa.Column("to", sa.LargeBinary(length=20), nullable=False),
        sa.Column("transaction", sa.LargeBinary(length=32), nullable=True),
        sa.Column("time_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("epoch", "payee"),
    )
    op.create_index("claims_time", "claims", ["time_ms"], unique=False)
    op.create_table(
        "content_keys",
        sa.Column("content", sa.LargeBinary(length=20), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("content", "epoch"),
    )
    op.create_table(
        "contents",
        sa.Column("content", sa.LargeBinary(length=20), nullable=False),
        sa.Column("owner", sa.LargeBinary(length=20), nullable=False),
        sa.Column("policy_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("shredded_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("content"),
    )
    op.create_table(
        "debits",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("net", sa.String(length=80), nullable=False),
        sa.Column("bps", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cap", sa.String(length=80), nullable=False),
        sa.Column("until", sa.String(length=80), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=65), nullable=False),
        sa.Column("listener", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("epoch", "payer"),
    )
    op.create_index("debits_payer", "debits", ["payer", "epoch"], unique=False)
    op.create_table(
        "destructions",
        sa.Column("content", sa.LargeBinary(length=20), nullable=False),
        sa.Column("listener", sa.LargeBinary(length=20), nullable=False),
        sa.Column("device", sa.LargeBinary(length=20), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=65), nullable=False),
        sa.PrimaryKeyConstraint("content", "listener", "device"),
    )
    op.create_table(
        "entries",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("net", sa.String(length=80), nullable=False),
        sa.Column("cap", sa.String(length=80), nullable=False),
        sa.Column("until", sa.String(length=80), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=65), nullable=False),
        sa.PrimaryKeyConstraint("epoch", "place"),
    )
    op.create_table(
        "epoch_contents",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(length=20), nullable=False),
        sa.Column("plays", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("unvalidated", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("seeks", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("heard_ms", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("epoch", "content"),
    )
    op.create_table(
        "epoch_owners",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(length=20), nullable=False),
        sa.Column("owner", sa.LargeBinary(length=20), nullable=False),
        sa.PrimaryKeyConstraint("epoch", "content"),
    )
    op.create_table(
        "epoch_refused",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("station", sa.LargeBinary(length=20), nullable=False),
        sa.Column("count", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("epoch", "station"),
    )
    op.create_table(
        "epoch_terms",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("station", sa.LargeBinary(length=20), nullable=False),
        sa.Column("price", sa.String(length=80), nullable=False),
        sa.Column("reward", sa.String(length=80), nullable=False),
        sa.Column("interval_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("epoch", "station", "price", "reward", "interval_s"),
    )
    op.create_table(
        "epoch_totals",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stations", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("listeners", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stations_net", sa.String(length=80), nullable=False),
        sa.Column("listeners_net", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("epoch"),
    )
    op.create_table(
        "epoch_usages",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("listener", sa.LargeBinary(length=20), nullable=False),
        sa.Column("content", sa.LargeBinary(length=20), nullable=False),
        sa.Column("plays", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seeks", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seconds", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("epoch", "listener", "content"),
    )
    op.create_table(
        "epochs",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("rate", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("total", sa.String(length=80), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("counts_root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("data_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("leaves", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transaction", sa.LargeBinary(length=32), nullable=True),
        sa.PrimaryKeyConstraint("epoch"),
    )
    op.create_index("epochs_state", "epochs", ["state", "epoch"], unique=False)
    op.create_table(
        "former_plays",
        sa.Column("ticket", sa.LargeBinary(length=32), nullable=False),
        sa.Column("listener", sa.LargeBinary(length=20), nullable=False),
        sa.Column("content", sa.LargeBinary(length=20), nullable=False),
        sa.Column("device", sa.LargeBinary(length=20), nullable=False),
        sa.Column("started", sa.String(length=16), nullable=True),
        sa.Column("opened_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("heard_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("ticket"),
    )
    op.create_index("former_plays_listener", "former_plays", ["listener", "content"], unique=False)
    op.create_table(
        "given_keys",
        sa.Column("listener", sa.LargeBinary(length=20), nullable=False),
        sa.Column("content", sa.LargeBinary(length=20), nullable=False),
        sa.Column("seconds", sa.LargeBinary(), nullable=False),
        sa.Column("waited_ms", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("since_ms", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("listener", "content"),
    )
    op.create_table(
        "invocations",
        sa.Column("session", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("ticket", sa.LargeBinary(length=32), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("position_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signature", sa.LargeBinary(length=65), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("session", "sequence"),
    )
    op.create_index("invocations_refused", "invocations", ["epoch", "code"], unique=False)
    op.create_index("invocations_ticket", "invocations", ["ticket", "epoch"], unique=False)
    op.create_table(
        "lines",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket", sa.LargeBinary(length=32), nullable=False),
        sa.Column("intervals", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("seconds", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seeks", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("station", sa.LargeBinary(length=20), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(length=20), nullable=False),
        sa.Column("owner", sa.LargeBinary(length=20), nullable=False),
        sa.Column("payer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("price", sa.String(length=80), nullable=False),
        sa.Column("reward", sa.String(length=80), nullable=False),
        sa.Column("interval_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tag", sa.LargeBinary(length=7), nullable=False),
        sa.PrimaryKeyConstraint("epoch", "ticket"),
    )
    op.create_index("lines_ticket", "lines", ["ticket"], unique=False)
    op.create_table(
        "listeners",
        sa.Column("listener", sa.LargeBinary(length=20), nullable=False),
        sa.Column("ticket", sa.LargeBinary(length=32), nullable=True),
        sa.Column("time_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("listener"),
    )
    op.create_table(
        "marks",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "payees",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payee", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.String(length=80), nullable=False),
        sa.Column("owned", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("epoch", "payee"),
    )
    op.create_table(
        "payers",
        sa.Column("payer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("base", sa.String(length=80), nullable=False),
        sa.Column("base_epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cap", sa.String(length=80), server_default="0", nullable=False),
        sa.Column("until", sa.String(length=80), server_default="0", nullable=False),
        sa.Column("signature", sa.LargeBinary(length=65), nullable=True),
        sa.PrimaryKeyConstraint("payer"),
    )
    op.create_table(
        "queued_claims",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payee", sa.LargeBinary(length=20), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tries", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("epoch", "payee"),
    )
    op.create_index("queued_claims_due", "queued_claims", ["due_ms"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payee", sa.LargeBinary(length=20), nullable=False),
        sa.Column("source", sa.LargeBinary(length=32), nullable=False),
        sa.Column("amount", sa.String(length=80), nullable=False),
        sa.Column("content", sa.LargeBinary(length=20), nullable=False),
        sa.Column("session", sa.LargeBinary(length=32), nullable=False),
        sa.Column("plays", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seeks", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seconds", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("invocation", sa.LargeBinary(length=32), nullable=False),
        sa.Column("detail", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=65), nullable=False),
        sa.PrimaryKeyConstraint("epoch", "payee", "source"),
    )
    op.create_index("receipts_payee", "receipts", ["payee", "epoch"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("epoch"),
    )
    op.create_table(
        "refusal_counts",
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("count", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("day", "what", "code"),
    )
    op.create_table(
        "relay_costs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("time_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("wei", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("relay_costs_time", "relay_costs", ["time_ms"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("station", sa.LargeBinary(length=20), nullable=False),
        sa.Column("listener", sa.LargeBinary(length=20), nullable=False),
        sa.Column("device", sa.LargeBinary(length=20), nullable=False),
        sa.Column("payee", sa.LargeBinary(length=20), nullable=False),
        sa.Column("not_before_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("not_after_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signature", sa.LargeBinary(length=65), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sessions_over", "sessions", ["not_after_s"], unique=False)
    op.create_index("sessions_payee", "sessions", ["payee"], unique=False)
    op.create_table(
        "takeovers",
        sa.Column("content", sa.LargeBinary(length=20), nullable=False),
        sa.Column("before", sa.LargeBinary(length=20), nullable=False),
        sa.Column("from_epoch", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("counted", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("content"),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("session", sa.LargeBinary(length=32), nullable=False),
        sa.Column("station", sa.LargeBinary(length=20), nullable=False),
        sa.Column("listener", sa.LargeBinary(length=20), nullable=False),
        sa.Column("payee", sa.LargeBinary(length=20), nullable=False),
        sa.Column("content", sa.LargeBinary(length=20), nullable=False),
        sa.Column("owner", sa.LargeBinary(length=20), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("price", sa.String(length=80), nullable=False),
        sa.Column("reward", sa.String(length=80), nullable=False),
        sa.Column("payer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("bps", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("interval_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expiry_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signature", sa.LargeBinary(length=65), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=8), server_default="none", nullable=False),
        sa.Column("started", sa.String(length=16), nullable=True),
        sa.Column("heard_ms", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("sounded_ms", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("position_ms", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("anchor_position_ms", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("time_ms", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("seeks", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("invocation", sa.LargeBinary(length=32), nullable=True),
        sa.Column("intervals", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("vouchered", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("due", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("refused", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("station", "number"),
    )
    op.create_index("tickets_due", "tickets", ["payer", "due"], unique=False)
    op.create_index("tickets_listener", "tickets", ["listener", "content"], unique=False)
    op.create_index("tickets_number", "tickets", ["payer", "number"], unique=False)
    op.create_index("tickets_over", "tickets", ["expiry_s"], unique=False)
    op.create_index("tickets_owing", "tickets", ["due"], unique=False)
    op.create_index("tickets_session", "tickets", ["session"], unique=False)
    op.create_index("tickets_sounding", "tickets", ["listener", "state", "seen_ms"], unique=False)
    op.create_table(
        "tracked", sa.Column("ticket", sa.LargeBinary(length=32), nullable=False), sa.PrimaryKeyConstraint("ticket")
    )
    op.create_table(
        "usage_leaves",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("listener", sa.LargeBinary(length=20), nullable=False),
        sa.Column("content", sa.LargeBinary(length=20), nullable=False),
        sa.Column("plays", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seeks", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seconds", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("epoch", "listener", "content"),
    )
    op.create_table(
        "usages",
        sa.Column("listener", sa.LargeBinary(length=20), nullable=False),
        sa.Column("content", sa.LargeBinary(length=20), nullable=False),
        sa.Column("plays", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("seeks", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("heard_ms", sa.BigInteger(), server_default="0", autoincrement=False, nullable=False),
        sa.Column("first_play_s", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("actions", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("listener", "content"),
    )
