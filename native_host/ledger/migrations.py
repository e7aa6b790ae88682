"""Steps from the tables of older ledgers to those of this version."""

from __future__ import annotations

import sqlite3
from typing import Final

from native_host.ledger.tables import SCHEMA, VERSION

_CHANGES: Final = {
    1: ("ALTER TABLE invocations ADD COLUMN free INTEGER NOT NULL DEFAULT 0",),
    2: (),
    3: (
        "CREATE TABLE payments (ticket BLOB PRIMARY KEY, server BLOB NOT NULL, payer BLOB NOT NULL, station BLOB NOT "
        "NULL, "
        "domain TEXT NOT NULL, chain_id INTEGER NOT NULL, number INTEGER NOT NULL, session BLOB NOT NULL, content "
        "BLOB NOT NULL, "
        "price TEXT NOT NULL, bps INTEGER NOT NULL, signed INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
        "CREATE TABLE vouchers (server BLOB NOT NULL, payer BLOB NOT NULL, cap TEXT NOT NULL, until INTEGER NOT NULL, "
        "signed TEXT NOT NULL, sent INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (server, payer)) WITHOUT ROWID",
    ),
    4: (),
    5: (
        "ALTER TABLE payments ADD COLUMN agreed_bps INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE payments ADD COLUMN lost INTEGER NOT NULL DEFAULT 0",
        "UPDATE payments SET agreed_bps = bps",
        "ALTER TABLE vouchers ADD COLUMN agreed TEXT NOT NULL DEFAULT '0'",
        "ALTER TABLE vouchers ADD COLUMN lines TEXT NOT NULL DEFAULT '[]'",
    ),
    6: (
        "ALTER TABLE receipts ADD COLUMN final INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE receipts ADD COLUMN lies INTEGER NOT NULL DEFAULT 0",
        # Claims of other installations: the chain names their transactions.
        "UPDATE receipts SET claimed = NULL WHERE claimed = 'elsewhere'",
    ),
    7: (
        # Receipts and payees are kept by network as well.
        "CREATE TABLE receipts_8 ("
        "server BLOB NOT NULL, epoch INTEGER NOT NULL, payee BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement "
        "BLOB NOT NULL, "
        "amount TEXT NOT NULL, signed TEXT NOT NULL, detail TEXT NOT NULL, content BLOB NOT NULL, station TEXT NOT "
        "NULL, claimed TEXT, "
        "final INTEGER NOT NULL DEFAULT 0, lies INTEGER NOT NULL DEFAULT 0, sure INTEGER NOT NULL DEFAULT 0, "
        "PRIMARY KEY (server, epoch, payee, chain_id)) WITHOUT ROWID",
        "INSERT INTO receipts_8 SELECT server, epoch, payee, chain_id, settlement, amount, signed, detail, content, "
        "station, claimed, "
        "final, lies, claimed IS NOT NULL FROM receipts",
        "DROP TABLE receipts",
        "ALTER TABLE receipts_8 RENAME TO receipts",
        # A ledger from before version 7 has no payees and no search.
        "CREATE TABLE IF NOT EXISTS payees ("
        "wallet BLOB NOT NULL, payee BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, station "
        "BLOB NOT NULL, "
        "number INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (wallet, payee)) WITHOUT ROWID",
        "CREATE TABLE payees_8 ("
        "wallet BLOB NOT NULL, payee BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, station "
        "BLOB NOT NULL, "
        "number INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (wallet, payee, chain_id)) WITHOUT ROWID",
        "INSERT INTO payees_8 SELECT wallet, payee, chain_id, settlement, station, number, name FROM payees",
        "DROP TABLE payees",
        "ALTER TABLE payees_8 RENAME TO payees",
        "CREATE TABLE IF NOT EXISTS scan_posts ("
        "wallet BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, epoch INTEGER NOT NULL, server "
        "BLOB NOT NULL, "
        "data BLOB NOT NULL, code TEXT, PRIMARY KEY (wallet, chain_id, settlement, epoch, server)) WITHOUT ROWID",
        "ALTER TABLE scan_posts ADD COLUMN turn INTEGER NOT NULL DEFAULT 0",
    ),
}
"""By version: the statements that turn the tables of versions 1 to 7 into the next version's."""

_SCHEMA_8: Final = """
CREATE TABLE IF NOT EXISTS contents (
    content BLOB PRIMARY KEY, title TEXT NOT NULL, artist TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
    id BLOB PRIMARY KEY, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, station BLOB NOT NULL,
    listener BLOB NOT NULL,
    payee BLOB NOT NULL, not_after_s INTEGER NOT NULL, signed TEXT NOT NULL,
    sequence INTEGER NOT NULL DEFAULT 0, acknowledged INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_station ON sessions (station, not_after_s);
CREATE TABLE IF NOT EXISTS tickets (
    id BLOB PRIMARY KEY, session BLOB NOT NULL, content BLOB NOT NULL, listener BLOB NOT NULL, server BLOB NOT NULL,
    url TEXT NOT NULL,
    station TEXT NOT NULL, reward TEXT NOT NULL, interval_s INTEGER NOT NULL, prepared_s INTEGER NOT NULL,
    expiry_s INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'none', heard_ms INTEGER NOT NULL DEFAULT 0, position_ms INTEGER NOT NULL DEFAULT 0,
    time_ms INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS invocations (
    session BLOB NOT NULL, sequence INTEGER NOT NULL, ticket BLOB NOT NULL, content BLOB NOT NULL,
    listener BLOB NOT NULL,
    action TEXT NOT NULL, position_ms INTEGER NOT NULL, time_ms INTEGER NOT NULL, signature BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'unreported', code TEXT, free INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (session, sequence)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS invocations_unreported ON invocations (session, sequence, content, action)
    WHERE state = 'unreported';
CREATE INDEX IF NOT EXISTS invocations_counted ON invocations (listener, content, action, time_ms)
    WHERE action <> 'renew';
CREATE TABLE IF NOT EXISTS refusals (
    number INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, content BLOB, station TEXT, action TEXT NOT NULL,
    code TEXT NOT NULL,
    amount TEXT NOT NULL DEFAULT '0' CHECK (amount = '0'));
CREATE TABLE IF NOT EXISTS usage (
    listener BLOB NOT NULL, content BLOB NOT NULL, plays INTEGER NOT NULL DEFAULT 0, seeks INTEGER NOT NULL DEFAULT 0,
    heard_ms INTEGER NOT NULL DEFAULT 0, first_play_s INTEGER, server_plays INTEGER NOT NULL DEFAULT 0,
    server_seeks INTEGER NOT NULL DEFAULT 0, server_seconds INTEGER NOT NULL DEFAULT 0, server_first_s INTEGER,
    secret BLOB,
    PRIMARY KEY (listener, content)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tag_secrets (
    server BLOB NOT NULL, listener BLOB NOT NULL, content BLOB NOT NULL, secret BLOB NOT NULL,
    PRIMARY KEY (server, listener, content)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS destructions (
    content BLOB NOT NULL, listener BLOB NOT NULL, time_ms INTEGER NOT NULL, code TEXT NOT NULL,
    signature BLOB NOT NULL,
    told INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (content, listener)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (
    ticket BLOB PRIMARY KEY, first INTEGER NOT NULL, count INTEGER NOT NULL, expires_s INTEGER NOT NULL,
    budget INTEGER NOT NULL,
    ended TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receipts (
    server BLOB NOT NULL, epoch INTEGER NOT NULL, payee BLOB NOT NULL, chain_id INTEGER NOT NULL,
    settlement BLOB NOT NULL,
    amount TEXT NOT NULL, signed TEXT NOT NULL, detail TEXT NOT NULL, content BLOB NOT NULL, station TEXT NOT NULL,
    claimed TEXT, final INTEGER NOT NULL DEFAULT 0, lies INTEGER NOT NULL DEFAULT 0, sure INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (server, epoch, payee, chain_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS receipts_payee ON receipts (payee);
CREATE INDEX IF NOT EXISTS receipts_newest ON receipts (epoch, server, payee);
CREATE INDEX IF NOT EXISTS receipts_claimed ON receipts (claimed) WHERE claimed IS NOT NULL;
CREATE INDEX IF NOT EXISTS receipts_open ON receipts (epoch, server, payee) WHERE claimed IS NULL;
CREATE INDEX IF NOT EXISTS receipts_unsure ON receipts (epoch, server, payee) WHERE claimed IS NOT NULL AND sure = 0;
CREATE INDEX IF NOT EXISTS receipts_final ON receipts (epoch, server, payee) WHERE claimed IS NULL AND final = 1;
CREATE INDEX IF NOT EXISTS receipts_pending ON receipts (epoch, server, payee) WHERE claimed IS NULL AND final = 0;
CREATE INDEX IF NOT EXISTS sessions_payee ON sessions (payee);
CREATE INDEX IF NOT EXISTS tickets_time ON tickets (time_ms);
CREATE TABLE IF NOT EXISTS payees (
    wallet BLOB NOT NULL, payee BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL,
    station BLOB NOT NULL,
    number INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (wallet, payee, chain_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS payees_payee ON payees (payee);
CREATE TABLE IF NOT EXISTS scans (
    wallet BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, block INTEGER NOT NULL,
    listed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (wallet, chain_id, settlement)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS scan_posts (
    wallet BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, epoch INTEGER NOT NULL,
    server BLOB NOT NULL,
    data BLOB NOT NULL, code TEXT, turn INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (wallet, chain_id, settlement, epoch, server)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS scan_posts_turn ON scan_posts (wallet, chain_id, settlement, turn, epoch, server);
CREATE TABLE IF NOT EXISTS candidates (
    wallet BLOB NOT NULL, day INTEGER NOT NULL, station BLOB NOT NULL, payees BLOB NOT NULL,
    PRIMARY KEY (wallet, day, station)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sites (
    origin TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('allowed', 'paused', 'revoked')),
    day_wei TEXT NOT NULL,
    first_s INTEGER NOT NULL, last_s INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS debits (
    number INTEGER PRIMARY KEY, ticket BLOB NOT NULL, origin TEXT NOT NULL, day INTEGER NOT NULL,
    amount TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS payments (
    ticket BLOB PRIMARY KEY, server BLOB NOT NULL, payer BLOB NOT NULL, station BLOB NOT NULL, domain TEXT NOT NULL,
    chain_id INTEGER NOT NULL, number INTEGER NOT NULL, session BLOB NOT NULL, content BLOB NOT NULL,
    price TEXT NOT NULL,
    bps INTEGER NOT NULL, signed INTEGER NOT NULL DEFAULT 0, agreed_bps INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS payments_payer ON payments (payer, server);
CREATE TABLE IF NOT EXISTS vouchers (
    server BLOB NOT NULL, payer BLOB NOT NULL, cap TEXT NOT NULL, until INTEGER NOT NULL, signed TEXT NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0, agreed TEXT NOT NULL DEFAULT '0', lines TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (server, payer)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS debits_ticket ON debits (ticket);
CREATE INDEX IF NOT EXISTS debits_day ON debits (day, origin);
"""
"""All tables of version 8: those that older versions lack are made before the columns are renamed."""

RENAMED: Final[dict[str, dict[str, str]]] = {
    "sessions": {"station": "station_address", "signed": "signed_json"},
    "tickets": {
        "url": "server_url",
        "station": "station_domain",
        "reward": "reward_wei",
    },
    "invocations": {"free": "uncounted"},
    "refusals": {
        "number": "refusal_number",
        "station": "station_domain",
        "amount": "amount_wei",
    },
    "usage": {"secret": "tag_secret"},
    "tag_secrets": {"secret": "tag_secret"},
    "destructions": {"told": "notice_sent"},
    "leases": {
        "first": "first_segment",
        "count": "key_count",
        "expires_s": "expiry_s",
        "budget": "invocation_budget",
        "ended": "end_code",
    },
    "receipts": {
        "amount": "amount_wei",
        "signed": "signed_json",
        "detail": "detail_json",
        "station": "station_domain",
        "claimed": "claim_transaction",
        "lies": "at_payee",
        "sure": "claim_confirmed",
    },
    "payees": {
        "station": "station_address",
        "number": "session_number",
        "name": "station_name",
    },
    "scans": {"block": "listed_block", "listed": "post_count"},
    "scan_posts": {"data": "data_hash", "turn": "retry_round"},
    "candidates": {"station": "station_address"},
    "sites": {
        "day_wei": "daily_budget_wei",
        "first_s": "first_used_s",
        "last_s": "last_used_s",
    },
    "debits": {"number": "debit_number", "amount": "amount_wei"},
    "payments": {
        "station": "station_address",
        "domain": "station_domain",
        "number": "ticket_number",
        "price": "price_wei",
        "signed": "vouchered_intervals",
        "lost": "lost_intervals",
    },
    "vouchers": {
        "cap": "cap_wei",
        "until": "until_epoch",
        "signed": "signed_json",
        "agreed": "agreed_value",
        "lines": "lines_json",
    },
}
"""By table: columns of versions 1 to 8 and their names since version 9, one meaning for each name."""


def supported(db: sqlite3.Connection) -> bool:
    """Return whether a ledger is empty, of this version, or of one that ``migrate`` supports."""
    version, tables = _state(db)
    return 0 < version <= VERSION or (version == 0 and tables == 0)


def migrate(db: sqlite3.Connection) -> None:
    """Bring a ledger to this version, or make the tables of an empty one. Runs inside the caller's transaction."""
    version, _ = _state(db)
    if version == VERSION:
        return
    if version:
        for old in range(version, 8):
            for statement in _CHANGES[old]:
                try:
                    db.execute(statement)
                except sqlite3.OperationalError as e:
                    # A table made by a later version has the column already.
                    if "duplicate column" not in str(e):
                        raise
        for statement in _SCHEMA_8.split(";\n"):
            db.execute(statement)
        # The indexes are made again: a renamed column leaves the old statement's quotes in them.
        for (index,) in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall():
            db.execute(f"DROP INDEX {index}")
        for table, names in RENAMED.items():
            for old_name, new_name in names.items():
                db.execute(f"ALTER TABLE {table} RENAME COLUMN {old_name} TO {new_name}")
    for statement in SCHEMA.split(";\n"):
        db.execute(statement)
    db.execute(f"PRAGMA user_version={VERSION}")


def _state(db: sqlite3.Connection) -> tuple[int, int]:
    """The version in a file's header, and its number of tables."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
    return int(version), int(tables)
