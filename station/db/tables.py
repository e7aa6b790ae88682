"""The tables of a station's database, in SQLAlchemy Core; SQLite by default.

Amounts are wei as decimal text: 2^128 wei fit no SQL integer. Addresses are 20 bytes, digests 32. Times end in ``_ms``
or ``_s`` and are Unix time by the chain's clock. A change here needs a migration in ``station/db/migrations``.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()

TICKETS: Final = sa.Table(
    "tickets",
    METADATA,
    # The ticket's number, unique at this station for ever.
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    # Address of the security server that serves the content.
    sa.Column("server", sa.LargeBinary(20), nullable=False),
    # Address of the content's contract.
    sa.Column("content", sa.LargeBinary(20), nullable=False),
    # EIP-712 digest of the listener's session.
    sa.Column("session_digest", sa.LargeBinary(32), nullable=False),
    # Time of issue, Unix ms.
    sa.Column("issued_ms", sa.BigInteger, nullable=False),
    # End of validity, Unix s.
    sa.Column("expiry_s", sa.BigInteger, nullable=False),
    # Length of one paid interval, seconds.
    sa.Column("interval_s", sa.Integer, nullable=False),
    # Paid to the content's owner for each interval, wei.
    sa.Column("price_wei", sa.String(40), nullable=False),
    # Paid to the listener for each interval, wei.
    sa.Column("reward_wei", sa.String(40), nullable=False),
    # Commission when the ticket was issued, basis points.
    sa.Column("commission_bps", sa.Integer, nullable=False),
    # Intervals that the ticket can cost at most.
    sa.Column("max_intervals", sa.Integer, nullable=False),
    # Intervals covered by vouchers signed so far.
    sa.Column("vouchered_intervals", sa.Integer, nullable=False, server_default="0"),
    # Of those, intervals that the server acknowledged as settled.
    sa.Column("settled_intervals", sa.Integer, nullable=False, server_default="0"),
    # Highest commission at which the vouchered intervals are valued, basis points.
    sa.Column("agreed_commission_bps", sa.Integer, nullable=False, server_default="0"),
    sa.Index("tickets_session", "session_digest", "issued_ms"),
    sa.Index("tickets_open", "server", "expiry_s"),
    sa.Index("tickets_time", "issued_ms"),
    sqlite_autoincrement=True,
)
"""Every ticket issued."""

TICKET_NUMBERS: Final = sa.Table(
    "ticket_numbers",
    METADATA,
    # Always 1: the table has one row.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    # Highest ticket number given out as far as is known, also by a database that was lost.
    sa.Column("last_number", sa.BigInteger, nullable=False),
)
"""The highest ticket number given out."""

LISTENER_TICKETS: Final = sa.Table(
    "listener_tickets",
    METADATA,
    # ``tickets.number``.
    sa.Column("ticket_number", sa.Integer, primary_key=True, autoincrement=False),
    # The listener's address at this station.
    sa.Column("listener", sa.LargeBinary(20), nullable=False),
    # The ticket's end, Unix s.
    sa.Column("expiry_s", sa.BigInteger, nullable=False),
    # Intervals of the whole song.
    sa.Column("song_intervals", sa.Integer, nullable=False),
    sa.Index("listener_tickets_listener", "listener", "expiry_s"),
)
"""The listener of each ticket."""

REWARDED_TICKETS: Final = sa.Table(
    "rewarded_tickets",
    METADATA,
    # ``tickets.number``.
    sa.Column("ticket_number", sa.Integer, primary_key=True, autoincrement=False),
    # The listener's address at this station.
    sa.Column("listener", sa.LargeBinary(20), nullable=False),
    # Address of the content's owner, the band.
    sa.Column("owner", sa.LargeBinary(20), nullable=False),
    # Day of issue, days since 1970-01-01 UTC.
    sa.Column("unix_day", sa.Integer, nullable=False),
    # True once the reward book has counted the play.
    sa.Column("points_given", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("rewarded_tickets_listener", "listener", "unix_day"),
    sa.Index("rewarded_tickets_points", "points_given", "ticket_number"),
)
"""Tickets of listeners who take part in the reward programme."""

STATEMENTS: Final = sa.Table(
    "statements",
    METADATA,
    # Running number.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    # Address of the server that signed the statement.
    sa.Column("server", sa.LargeBinary(20), nullable=False),
    # When it was received, Unix ms.
    sa.Column("received_ms", sa.BigInteger, nullable=False),
    # The statement's epoch.
    sa.Column("epoch", sa.BigInteger, nullable=False),
    # Cumulative gross: the voucher's cap of an agreed statement, what a refused one claims; wei.
    sa.Column("spent_wei", sa.String(80), nullable=False),
    # Number of lines: those agreed to, or all of a refused statement.
    sa.Column("line_count", sa.Integer, nullable=False),
    # Error code of the refusal; NULL: agreed.
    sa.Column("refusal_code", sa.String(60), nullable=True),
    # Details of the refusal, a JSON object; NULL: agreed.
    sa.Column("refusal_json", sa.Text, nullable=True),
    # The signed statement as JSON.
    sa.Column("statement_json", sa.Text, nullable=False),
    sa.Index("statements_server", "server", "id"),
)
"""Statements received, agreed or refused."""

VOUCHERS: Final = sa.Table(
    "vouchers",
    METADATA,
    # Running number.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    # Address of the server that is paid.
    sa.Column("server", sa.LargeBinary(20), nullable=False),
    # ``statements.id`` of the statement it answers.
    sa.Column("statement_id", sa.Integer, sa.ForeignKey("statements.id"), nullable=False),
    # Cumulative gross that it promises, wei.
    sa.Column("cap_wei", sa.String(40), nullable=False),
    # Last epoch in which it counts.
    sa.Column("until_epoch", sa.BigInteger, nullable=False),
    # The signed voucher as JSON.
    sa.Column("voucher_json", sa.Text, nullable=False),
    # What it pays for, JSON: [[ticket number, whole intervals], …].
    sa.Column("lines_json", sa.Text, nullable=False, server_default="[]"),
    # When the server took it, Unix ms; NULL: not yet.
    sa.Column("sent_ms", sa.BigInteger, nullable=True),
    sa.Index("vouchers_server", "server", "id"),
    sa.Index("vouchers_statement", "server", "statement_id"),
    # For the foreign key, when a statement is deleted.
    sa.Index("vouchers_of", "statement_id"),
)
"""Vouchers signed."""

ACCOUNTS: Final = sa.Table(
    "accounts",
    METADATA,
    # The server's address.
    sa.Column("server", sa.LargeBinary(20), primary_key=True),
    # Value of everything agreed to, wei times 10,000 (``pywallet.rules.statement_check.as_value``).
    sa.Column("agreed_value", sa.String(90), nullable=False),
)
"""What is agreed with each server."""

QUARANTINE: Final = sa.Table(
    "quarantine",
    METADATA,
    # Address of the server that states the line.
    sa.Column("server", sa.LargeBinary(20), primary_key=True),
    # The line's ticket number, whether or not it is in ``tickets``.
    sa.Column("ticket_number", sa.BigInteger, primary_key=True, autoincrement=False),
    # When it was set aside, Unix ms.
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    # Error code.
    sa.Column("code", sa.String(60), nullable=False),
    # Why, a JSON object with ``reason`` and what differs.
    sa.Column("reason_json", sa.Text, nullable=False),
)
"""Statement lines that are not signed for."""

ACKNOWLEDGEMENTS: Final = sa.Table(
    "acknowledgements",
    METADATA,
    # Running number.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    # Address of the server that signed it.
    sa.Column("server", sa.LargeBinary(20), nullable=False),
    # When it was received, Unix ms.
    sa.Column("received_ms", sa.BigInteger, nullable=False),
    # The signed acknowledgement as JSON.
    sa.Column("acknowledgement_json", sa.Text, nullable=False),
    sa.Index("acknowledgements_time", "server", "received_ms"),
)
"""Acknowledgements of settlement."""

SETTLED_TICKETS: Final = sa.Table(
    "settled_tickets",
    METADATA,
    # Address of the server that settled the ticket.
    sa.Column("server", sa.LargeBinary(20), primary_key=True),
    # ``tickets.number``.
    sa.Column("ticket_number", sa.BigInteger, primary_key=True, autoincrement=False),
    # ``acknowledgements.id`` of the newest acknowledgement of this ticket.
    sa.Column("acknowledgement_id", sa.Integer, nullable=False),
)
"""The newest acknowledgement of each settled ticket."""

PRUNED_TICKETS: Final = sa.Table(
    "pruned_tickets",
    METADATA,
    # The server's address.
    sa.Column("server", sa.LargeBinary(20), primary_key=True),
    # Settled tickets that ended at this time or before may have been deleted, Unix s.
    sa.Column("until_s", sa.BigInteger, nullable=False),
)
"""Up to when settled tickets were deleted."""

POSTED_EPOCHS: Final = sa.Table(
    "posted_epochs",
    METADATA,
    # The server's address.
    sa.Column("server", sa.LargeBinary(20), primary_key=True),
    # The epoch, which the server has posted.
    sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
    # Beginning of the epoch, Unix s.
    sa.Column("starts_s", sa.BigInteger, nullable=False),
    # "posted", "final" or "void" (``station.db.posted``).
    sa.Column("state", sa.String(8), nullable=False),
    # This station's debit before commission, wei.
    sa.Column("net_wei", sa.String(40), nullable=False),
    # The same with commission: 10^9 wei, and the rest in wei, so that a sum in SQL is exact.
    sa.Column("gross_gwei", sa.BigInteger, nullable=False),
    sa.Column("gross_rest_wei", sa.BigInteger, nullable=False),
    # Commission of the epoch, basis points.
    sa.Column("commission_bps", sa.Integer, nullable=False),
    # Hash of the published data, 32 bytes.
    sa.Column("data_hash", sa.LargeBinary(32), nullable=False),
    sa.Index("posted_epochs_time", "starts_s"),
    sa.Index("posted_epochs_state", "state"),
)
"""Epochs whose published data were compared with the chain."""

POSTED_LINES: Final = sa.Table(
    "posted_lines",
    METADATA,
    # ``posted_epochs.server``.
    sa.Column("server", sa.LargeBinary(20), primary_key=True),
    # ``posted_epochs.epoch``.
    sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
    # Running number within the epoch.
    sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
    # Address of the content's contract.
    sa.Column("content", sa.LargeBinary(20), nullable=False),
    # Address of its owner in the epoch.
    sa.Column("owner", sa.LargeBinary(20), nullable=False),
    # Paid to the owner for each interval, wei.
    sa.Column("price_wei", sa.String(40), nullable=False),
    # Paid to the listener for each interval, wei.
    sa.Column("reward_wei", sa.String(40), nullable=False),
    # Length of an interval, s; 0 for refused plays.
    sa.Column("interval_s", sa.Integer, nullable=False),
    # Intervals that this station pays.
    sa.Column("intervals", sa.BigInteger, nullable=False),
    # Plays, without refused ones.
    sa.Column("plays", sa.BigInteger, nullable=False),
    # Refused plays, which cost nothing.
    sa.Column("refused", sa.BigInteger, nullable=False),
    # Seeks.
    sa.Column("seeks", sa.BigInteger, nullable=False),
    # Heard time, s.
    sa.Column("heard_s", sa.BigInteger, nullable=False),
)
"""Plays of this station in a posted epoch, by content and terms."""

DAY_PLAYS: Final = sa.Table(
    "day_plays",
    METADATA,
    # Day of the epochs' beginnings, days since 1970-01-01 UTC.
    sa.Column("unix_day", sa.Integer, primary_key=True, autoincrement=False),
    # Address of the content's contract; zero: all of them.
    sa.Column("content", sa.LargeBinary(20), primary_key=True),
    # As of ``posted_lines``.
    sa.Column("plays", sa.BigInteger, nullable=False),
    sa.Column("refused", sa.BigInteger, nullable=False),
    sa.Column("seeks", sa.BigInteger, nullable=False),
    sa.Column("heard_s", sa.BigInteger, nullable=False),
    # Payments to the owner, and to listeners: 10^9 wei, and the rest in wei, so that a sum in SQL is exact.
    sa.Column("owner_gwei", sa.BigInteger, nullable=False),
    sa.Column("owner_rest_wei", sa.BigInteger, nullable=False),
    sa.Column("reward_gwei", sa.BigInteger, nullable=False),
    sa.Column("reward_rest_wei", sa.BigInteger, nullable=False),
)
"""Sums of ``posted_lines`` by day, without void epochs."""

PASSAGES: Final = sa.Table(
    "passages",
    METADATA,
    # Address of the content's contract.
    sa.Column("content", sa.LargeBinary(20), primary_key=True),
    # Stretch of the song, in units of ``pywallet.settlement.SEGMENT_S`` from its beginning.
    sa.Column("segment", sa.Integer, primary_key=True, autoincrement=False),
    # Sum over the epochs of the published numbers of listeners, at all stations.
    sa.Column("listeners", sa.BigInteger, nullable=False),
)
"""Numbers of listeners of each passage, from published data (at least twenty in an epoch)."""

READ_EPOCHS: Final = sa.Table(
    "read_epochs",
    METADATA,
    # The server's address.
    sa.Column("server", sa.LargeBinary(20), primary_key=True),
    # Epochs up to this one have been read.
    sa.Column("until_epoch", sa.BigInteger, nullable=False),
)
"""Up to which epoch each server's published data have been read."""

DAY_REFUSALS: Final = sa.Table(
    "day_refusals",
    METADATA,
    # Days since 1970-01-01 UTC.
    sa.Column("unix_day", sa.Integer, primary_key=True, autoincrement=False),
    # Code of the refusal.
    sa.Column("code", sa.String(60), primary_key=True),
    # Requests for a ticket that were refused with it.
    sa.Column("refusals", sa.BigInteger, nullable=False),
)
"""Refused requests for tickets by day and code."""

AUDIENCE: Final = sa.Table(
    "audience",
    METADATA,
    # Beginning of five minutes, Unix s.
    sa.Column("slot_s", sa.BigInteger, primary_key=True, autoincrement=False),
    # Most listeners with GoMAA at once in this time.
    sa.Column("extension_peak", sa.Integer, nullable=False),
    # Most listeners of the plain stream at once in this time.
    sa.Column("plain_peak", sa.Integer, nullable=False),
)
"""Listeners over time."""
