"""The database, in portable SQL: amounts are decimal text, because 2^128 wei fit no SQL integer."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

METADATA: Final = MetaData()


class Wei(TypeDecorator[int]):
    """A non-negative amount in wei."""

    impl = String(80)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        """Decimal text for the database."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        """An integer for the program."""
        return None if value is None else int(value)


def _bytes(name: str, length: int, *, key: bool = False, null: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary(length), primary_key=key, nullable=null)


def _int(name: str, *, key: bool = False, null: bool = False, default: int | None = None) -> Column[int]:
    server_default = None if default is None else str(default)
    return Column(name, BigInteger, primary_key=key, nullable=null, server_default=server_default, autoincrement=False)


contents: Final = Table(
    "contents",
    METADATA,
    _bytes("content", 20, key=True),
    _bytes("owner", 20),
    _bytes("policy_hash", 32),
    Column("header", LargeBinary, nullable=False),
    _int("uploaded_ms"),
    _int("shredded_ms", null=True),
    Column("code", String(32)),
)
content_keys: Final = Table(
    "content_keys",
    METADATA,
    _bytes("content", 20, key=True),
    _int("epoch", key=True),
    Column("sealed", LargeBinary, nullable=False),
)
sessions: Final = Table(
    "sessions",
    METADATA,
    _bytes("id", 32, key=True),
    _bytes("station", 20),
    _bytes("listener", 20),
    _bytes("device", 20),
    _bytes("payee", 20),
    _int("not_before_s"),
    _int("not_after_s"),
    _bytes("signature", 65),
    _int("opened_ms"),
    _int("sequence", default=0),
    Index("sessions_payee", "payee"),
    Index("sessions_over", "not_after_s"),
)
tickets: Final = Table(
    "tickets",
    METADATA,
    _bytes("id", 32, key=True),
    _bytes("session", 32),
    _bytes("station", 20),
    _bytes("listener", 20),
    _bytes("payee", 20),
    _bytes("content", 20),
    _bytes("owner", 20),
    _int("number"),
    Column("price", Wei, nullable=False),
    Column("reward", Wei, nullable=False),
    # Who pays price and reward: the station, or the listener where the policy says so.
    _bytes("payer", 20),
    _int("bps"),
    _int("interval_s"),
    _int("expiry_s"),
    _bytes("signature", 65),
    _int("opened_ms"),
    # The one play of this ticket: none, playing, paused, ended.
    Column("state", String(8), nullable=False, server_default="none"),
    # The action that began it: play, preview or live_join.
    Column("started", String(16), nullable=True),
    # What is paid; and what sounded, also beside another stream of its listener that was paid for the same time.
    _int("heard_ms", default=0),
    _int("sounded_ms", default=0),
    # The metered position (pywallet/policy/meter.py), and where the last jump went: the window of grantable segments.
    _int("position_ms", default=0),
    _int("anchor_position_ms", default=0),
    # When the last invocation was, by the host's clock, and when it came, by the server's.
    _int("time_ms", default=0),
    _int("seen_ms", default=0),
    _int("seeks", default=0),
    _int("sequence", default=0),
    _bytes("invocation", 32, null=True),
    # Intervals heard, and those of them that a voucher covers; due is their difference.
    _int("intervals", default=0),
    _int("vouchered", default=0),
    _int("due", default=0),
    # Refused plays of it that are kept.
    _int("refused", default=0),
    UniqueConstraint("station", "number"),
    Index("tickets_due", "payer", "due"),
    Index("tickets_owing", "due"),
    Index("tickets_number", "payer", "number"),
    Index("tickets_listener", "listener", "content"),
    Index("tickets_sounding", "listener", "state", "seen_ms"),
    Index("tickets_session", "session"),
    Index("tickets_over", "expiry_s"),
)
# Tickets whose listeners may be counted among those who heard each part (the policy's ``tracking``).
tracked: Final = Table("tracked", METADATA, _bytes("ticket", 32, key=True))
invocations: Final = Table(
    "invocations",
    METADATA,
    _bytes("session", 32, key=True),
    _int("sequence", key=True),
    _bytes("id", 32),
    _bytes("ticket", 32),
    Column("action", String(16), nullable=False),
    _int("position_ms"),
    _int("time_ms"),
    _int("received_ms"),
    _int("epoch"),
    _bytes("signature", 65),
    Column("code", String(32)),
    Index("invocations_refused", "epoch", "code"),
    Index("invocations_ticket", "ticket", "epoch"),
)
# Of which seconds of a content a listener was ever given keys: bit k of a little-endian number is second k. And what
# was opened by waiting (decision 0043): song in all, and since when a wait goes on, 0: none does.
given_keys: Final = Table(
    "given_keys",
    METADATA,
    _bytes("listener", 20, key=True),
    _bytes("content", 20, key=True),
    Column("seconds", LargeBinary, nullable=False),
    _int("waited_ms", default=0),
    _int("since_ms", default=0),
)
# The ticket of each listener that is heard now, and the last moment that was counted for any of their tickets: their
# one clock.
listeners: Final = Table(
    "listeners",
    METADATA,
    _bytes("listener", 20, key=True),
    _bytes("ticket", 32, null=True),
    _int("time_ms"),
)
usages: Final = Table(
    "usages",
    METADATA,
    _bytes("listener", 20, key=True),
    _bytes("content", 20, key=True),
    _int("plays", default=0),
    _int("seeks", default=0),
    _int("heard_ms", default=0),
    _int("first_play_s", null=True),
    # {action: [uses, first use, uses in the current window, that window's start]}, times in Unix seconds.
    Column("actions", Text, nullable=False, server_default="{}"),
)
epoch_contents: Final = Table(
    "epoch_contents",
    METADATA,
    _int("epoch", key=True),
    _bytes("content", 20, key=True),
    _int("plays", default=0),
    _int("unvalidated", default=0),
    _int("seeks", default=0),
    _int("heard_ms", default=0),
)
epoch_owners: Final = Table(
    "epoch_owners",
    METADATA,
    _int("epoch", key=True),
    _bytes("content", 20, key=True),
    # Who earns in that epoch by the content's contract: a sale takes effect with the next one.
    _bytes("owner", 20),
)
epoch_usages: Final = Table(
    "epoch_usages",
    METADATA,
    _int("epoch", key=True),
    _bytes("listener", 20, key=True),
    _bytes("content", 20, key=True),
    _int("plays"),
    _int("seeks"),
    _int("seconds"),
)
# Refusals are counted, not listed: anybody can be refused as often as they like.
refusals: Final = Table(
    "refusal_counts",
    METADATA,
    _int("day", key=True),
    Column("what", String(16), primary_key=True),
    Column("code", String(64), primary_key=True),
    _int("count", default=0),
)
destructions: Final = Table(
    "destructions",
    METADATA,
    _bytes("content", 20, key=True),
    _bytes("listener", 20, key=True),
    _bytes("device", 20, key=True),
    _int("time_ms"),
    Column("code", String(64), nullable=False),
    _bytes("signature", 65),
)
payers: Final = Table(
    "payers",
    METADATA,
    _bytes("payer", 20, key=True),
    # Cumulative gross of the epochs up to base_epoch, which the chain has debited or never will.
    Column("base", Wei, nullable=False),
    _int("base_epoch"),
    # The voucher with the highest cap that settled something, or that the payer showed again.
    Column("cap", Wei, nullable=False, server_default="0"),
    Column("until", Wei, nullable=False, server_default="0"),
    Column("signature", LargeBinary(65), nullable=True),
)
lines: Final = Table(
    "lines",
    METADATA,
    _int("epoch", key=True),
    _bytes("ticket", 32, key=True),
    _int("intervals", default=0),
    _int("seconds"),
    _int("seeks"),
    _int("time_s"),
    # What the published row says, as it was when the voucher settled: nothing published reads the ticket
    # (epochlines.py).
    _bytes("station", 20),
    _int("number"),
    _bytes("content", 20),
    _bytes("owner", 20),
    _bytes("payer", 20),
    Column("price", Wei, nullable=False),
    Column("reward", Wei, nullable=False),
    _int("interval_s"),
    _bytes("tag", 7),
    Index("lines_ticket", "ticket"),
)
debits: Final = Table(
    "debits",
    METADATA,
    _int("epoch", key=True),
    _bytes("payer", 20, key=True),
    Column("net", Wei, nullable=False),
    _int("bps"),
    Column("cap", Wei, nullable=False),
    Column("until", Wei, nullable=False),
    _bytes("signature", 65),
    # 1 where the payer is a listener, 0 for a station.
    _int("listener", default=0),
    Index("debits_payer", "payer", "epoch"),
)
# Different terms of a station's tickets opened in an epoch, and its refused plays that are kept in it.
epoch_terms: Final = Table(
    "epoch_terms",
    METADATA,
    _int("epoch", key=True),
    _bytes("station", 20, key=True),
    Column("price", Wei, primary_key=True),
    Column("reward", Wei, primary_key=True),
    _int("interval_s", key=True),
)
epoch_refused: Final = Table(
    "epoch_refused", METADATA, _int("epoch", key=True), _bytes("station", 20, key=True), _int("count")
)
# Payers and net of an epoch so far, by kind.
epoch_totals: Final = Table(
    "epoch_totals",
    METADATA,
    _int("epoch", key=True),
    _int("stations"),
    _int("listeners"),
    Column("stations_net", Wei, nullable=False),
    Column("listeners_net", Wei, nullable=False),
)
payees: Final = Table(
    "payees",
    METADATA,
    _int("epoch", key=True),
    _bytes("payee", 20, key=True),
    Column("amount", Wei, nullable=False),
    # The part of the amount that the payee earned as owner of contents; the rest is rewards.
    Column("owned", Wei, nullable=False),
)
receipts: Final = Table(
    "receipts",
    METADATA,
    _int("epoch", key=True),
    _bytes("payee", 20, key=True),
    # The ticket for a listener's payee, the content for an owner: of each only the newest is kept.
    _bytes("source", 32, key=True),
    Column("amount", Wei, nullable=False),
    _bytes("content", 20),
    _bytes("session", 32),
    _int("plays"),
    _int("seeks"),
    _int("seconds"),
    _int("sequence"),
    _bytes("invocation", 32),
    _bytes("detail", 32),
    _bytes("signature", 65),
    Index("receipts_payee", "payee", "epoch"),
)
epochs: Final = Table(
    "epochs",
    METADATA,
    _int("epoch", key=True),
    # What the last look at the chain said (settlement_state.py); only a cache: each look decides anew.
    Column("state", String(12), nullable=False),
    _int("rate"),
    _bytes("root", 32),
    Column("total", Wei, nullable=False),
    _bytes("digest", 32),
    _bytes("counts_root", 32),
    _bytes("data_hash", 32),
    # keccak(root, total, rest): what the chain must hold.
    _bytes("commitment", 32),
    # The canonical bytes, final once written: all that is posted, proven and published is read from them.
    Column("data", LargeBinary, nullable=False),
    _int("leaves"),
    _bytes("transaction", 32, null=True),
    Index("epochs_state", "state", "epoch"),
)
# Contents that another server has handed over, or is about to. ``from_epoch`` null: not accepted on the chain yet.
takeovers: Final = Table(
    "takeovers",
    METADATA,
    _bytes("content", 20, key=True),
    _bytes("before", 20),
    _int("from_epoch", null=True),
    # Whether the counters came after the former server's last epoch had ended.
    _int("counted", default=0),
)
# Plays at former servers, where the terms count devices or plays by how long they were heard.
former_plays: Final = Table(
    "former_plays",
    METADATA,
    _bytes("ticket", 32, key=True),
    _bytes("listener", 20),
    _bytes("content", 20),
    _bytes("device", 20),
    Column("started", String(16), nullable=True),
    _int("opened_ms"),
    _int("heard_ms"),
    Index("former_plays_listener", "listener", "content"),
)
# The vouchers under a closed epoch's debits, in the order of its data: what a post needs beside the bytes.
entries: Final = Table(
    "entries",
    METADATA,
    _int("epoch", key=True),
    _int("place", key=True),
    _bytes("payer", 20),
    Column("net", Wei, nullable=False),
    Column("cap", Wei, nullable=False),
    Column("until", Wei, nullable=False),
    _bytes("signature", 65),
)
# The numbers in a closed epoch's usage leaves; the leaf in the bytes says whether they are right.
usage_leaves: Final = Table(
    "usage_leaves",
    METADATA,
    _int("epoch", key=True),
    _bytes("listener", 20, key=True),
    _bytes("content", 20, key=True),
    _int("plays"),
    _int("seeks"),
    _int("seconds"),
)
# Challenges of this server's epochs as the chain's events tell them, up to the cursor "events" in `marks`.
challenges: Final = Table(
    "challenges",
    METADATA,
    _int("epoch", key=True),
    _bytes("payee", 20, key=True),
    Column("amount", Wei, primary_key=True),
    _int("block"),
    # The newest block when the chain first said that it is answered or slashed: that may be undone for some blocks.
    _int("closed", null=True),
    Index("challenges_closed", "closed"),
)
# Epochs that were void and refunded, by the chain's events.
refunds: Final = Table("refunds", METADATA, _int("epoch", key=True), _int("block"))
# Cursors and other single numbers.
marks: Final = Table("marks", METADATA, Column("name", String(32), primary_key=True), _int("number"))
# Gas of relayed claims: what was set aside before one was sent, then what it took.
relay_costs: Final = Table(
    "relay_costs",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _int("time_ms"),
    Column("wei", Wei, nullable=False),
    Index("relay_costs_time", "time_ms"),
)
claims: Final = Table(
    "claims",
    METADATA,
    _int("epoch", key=True),
    _bytes("payee", 20, key=True),
    _bytes("to", 20),
    _bytes("transaction", 32, null=True),
    _int("time_ms"),
    Index("claims_time", "time_ms"),
)
# Claims that wait for their round: what is sent in private, with those of others.
queued_claims: Final = Table(
    "queued_claims",
    METADATA,
    _int("epoch", key=True),
    _bytes("payee", 20, key=True),
    Column("message", Text, nullable=False),
    _int("due_ms"),
    _int("tries"),
    Index("queued_claims_due", "due_ms"),
)
