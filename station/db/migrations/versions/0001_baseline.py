"""The schema of the first release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of the first release."""
    op.create_table(
        "statements",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("server", sa.LargeBinary(20), nullable=False),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("spent", sa.String(80), nullable=False),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("code", sa.String(60), nullable=True),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_index("statements_server", "statements", ["server", "id"])
    op.create_table(
        "vouchers",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("server", sa.LargeBinary(20), nullable=False),
        sa.Column("statement", sa.Integer, sa.ForeignKey("statements.id"), nullable=False),
        sa.Column("cap", sa.String(40), nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("lines", sa.Text, nullable=False, server_default="[]"),
        sa.Column("sent_ms", sa.BigInteger, nullable=True),
    )
    op.create_index("vouchers_server", "vouchers", ["server", "id"])
    op.create_index("vouchers_statement", "vouchers", ["server", "statement"])
    op.create_index("vouchers_of", "vouchers", ["statement"])
    op.create_table(
        "accounts",
        sa.Column("server", sa.LargeBinary(20), primary_key=True),
        sa.Column("agreed", sa.String(90), nullable=False),
    )
    op.create_table(
        "numbers",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "quarantine",
        sa.Column("server", sa.LargeBinary(20), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "acknowledgements",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("server", sa.LargeBinary(20), nullable=False),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_index("acknowledgements_time", "acknowledgements", ["server", "time_ms"])
    op.create_table(
        "settled",
        sa.Column("server", sa.LargeBinary(20), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("acknowledgement", sa.Integer, nullable=False),
    )
    op.create_table(
        "pruned",
        sa.Column("server", sa.LargeBinary(20), primary_key=True),
        sa.Column("until_s", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "tickets",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("server", sa.LargeBinary(20), nullable=False),
        sa.Column("content", sa.LargeBinary(20), nullable=False),
        sa.Column("session", sa.LargeBinary(32), nullable=False),
        sa.Column("issued_ms", sa.BigInteger, nullable=False),
        sa.Column("expiry_s", sa.BigInteger, nullable=False),
        sa.Column("interval_s", sa.Integer, nullable=False),
        sa.Column("price", sa.String(40), nullable=False),
        sa.Column("reward", sa.String(40), nullable=False),
        sa.Column("bps", sa.Integer, nullable=False),
        sa.Column("worst", sa.Integer, nullable=False),
        sa.Column("vouchered", sa.Integer, nullable=False, server_default="0"),
        sa.Column("settled", sa.Integer, nullable=False, server_default="0"),
        sa.Column("agreed_bps", sa.Integer, nullable=False, server_default="0"),
        sqlite_autoincrement=True,
    )
    op.create_index("tickets_session", "tickets", ["session", "issued_ms"])
    op.create_index("tickets_open", "tickets", ["server", "expiry_s"])
    op.create_index("tickets_time", "tickets", ["issued_ms"])
    op.create_table(
        "listening",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("listener", sa.LargeBinary(20), nullable=False),
        sa.Column("owner", sa.LargeBinary(20), nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("fed", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_index("listening_of", "listening", ["listener", "day"])
    op.create_index("listening_fed", "listening", ["fed", "number"])
    op.create_table(
        "asked",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("listener", sa.LargeBinary(20), nullable=False),
        sa.Column("expiry_s", sa.BigInteger, nullable=False),
        sa.Column("whole", sa.Integer, nullable=False),
    )
    op.create_index("asked_of", "asked", ["listener", "expiry_s"])


def downgrade() -> None:
    """Drop every table."""
    for table in (
        "asked",
        "listening",
        "tickets",
        "pruned",
        "settled",
        "acknowledgements",
        "quarantine",
        "numbers",
        "accounts",
        "vouchers",
        "statements",
    ):
        op.drop_table(table)
