"""The ledger's tables and their rows. Amounts are decimal text, times and positions integers, ids raw bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import msgspec

from pywallet.encoding.hex import from_hex
from pywallet.policy import Meter

VERSION: Final = 8
CHANGES: Final = {
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
"""By version: what turns its tables into the next one's, before ``SCHEMA`` adds what is new."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS contents (
    content BLOB PRIMARY KEY, title TEXT NOT NULL, artist TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
    id BLOB PRIMARY KEY, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, station BLOB NOT NULL, listener BLOB NOT NULL,
    payee BLOB NOT NULL, not_after_s INTEGER NOT NULL, signed TEXT NOT NULL,
    sequence INTEGER NOT NULL DEFAULT 0, acknowledged INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_station ON sessions (station, not_after_s);
CREATE TABLE IF NOT EXISTS tickets (
    id BLOB PRIMARY KEY, session BLOB NOT NULL, content BLOB NOT NULL, listener BLOB NOT NULL, server BLOB NOT NULL, url TEXT NOT NULL,
    station TEXT NOT NULL, reward TEXT NOT NULL, interval_s INTEGER NOT NULL, prepared_s INTEGER NOT NULL, expiry_s INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'none', heard_ms INTEGER NOT NULL DEFAULT 0, position_ms INTEGER NOT NULL DEFAULT 0,
    time_ms INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS invocations (
    session BLOB NOT NULL, sequence INTEGER NOT NULL, ticket BLOB NOT NULL, content BLOB NOT NULL, listener BLOB NOT NULL,
    action TEXT NOT NULL, position_ms INTEGER NOT NULL, time_ms INTEGER NOT NULL, signature BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'unreported', code TEXT, free INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (session, sequence)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS invocations_unreported ON invocations (session, sequence, content, action) WHERE state = 'unreported';
CREATE INDEX IF NOT EXISTS invocations_counted ON invocations (listener, content, action, time_ms) WHERE action <> 'renew';
CREATE TABLE IF NOT EXISTS refusals (
    number INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, content BLOB, station TEXT, action TEXT NOT NULL, code TEXT NOT NULL,
    amount TEXT NOT NULL DEFAULT '0' CHECK (amount = '0'));
CREATE TABLE IF NOT EXISTS usage (
    listener BLOB NOT NULL, content BLOB NOT NULL, plays INTEGER NOT NULL DEFAULT 0, seeks INTEGER NOT NULL DEFAULT 0,
    heard_ms INTEGER NOT NULL DEFAULT 0, first_play_s INTEGER, server_plays INTEGER NOT NULL DEFAULT 0,
    server_seeks INTEGER NOT NULL DEFAULT 0, server_seconds INTEGER NOT NULL DEFAULT 0, server_first_s INTEGER, secret BLOB,
    PRIMARY KEY (listener, content)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tag_secrets (
    server BLOB NOT NULL, listener BLOB NOT NULL, content BLOB NOT NULL, secret BLOB NOT NULL,
    PRIMARY KEY (server, listener, content)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS destructions (
    content BLOB NOT NULL, listener BLOB NOT NULL, time_ms INTEGER NOT NULL, code TEXT NOT NULL, signature BLOB NOT NULL,
    told INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (content, listener)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (
    ticket BLOB PRIMARY KEY, first INTEGER NOT NULL, count INTEGER NOT NULL, expires_s INTEGER NOT NULL, budget INTEGER NOT NULL,
    ended TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receipts (
    server BLOB NOT NULL, epoch INTEGER NOT NULL, payee BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL,
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
    wallet BLOB NOT NULL, payee BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, station BLOB NOT NULL,
    number INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (wallet, payee, chain_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS payees_payee ON payees (payee);
CREATE TABLE IF NOT EXISTS scans (
    wallet BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, block INTEGER NOT NULL, listed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (wallet, chain_id, settlement)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS scan_posts (
    wallet BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, epoch INTEGER NOT NULL, server BLOB NOT NULL,
    data BLOB NOT NULL, code TEXT, turn INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (wallet, chain_id, settlement, epoch, server)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS scan_posts_turn ON scan_posts (wallet, chain_id, settlement, turn, epoch, server);
CREATE TABLE IF NOT EXISTS candidates (
    wallet BLOB NOT NULL, day INTEGER NOT NULL, station BLOB NOT NULL, payees BLOB NOT NULL,
    PRIMARY KEY (wallet, day, station)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sites (
    origin TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('allowed', 'paused', 'revoked')), day_wei TEXT NOT NULL,
    first_s INTEGER NOT NULL, last_s INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS debits (
    number INTEGER PRIMARY KEY, ticket BLOB NOT NULL, origin TEXT NOT NULL, day INTEGER NOT NULL, amount TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS payments (
    ticket BLOB PRIMARY KEY, server BLOB NOT NULL, payer BLOB NOT NULL, station BLOB NOT NULL, domain TEXT NOT NULL,
    chain_id INTEGER NOT NULL, number INTEGER NOT NULL, session BLOB NOT NULL, content BLOB NOT NULL, price TEXT NOT NULL,
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


@dataclass(frozen=True)
class SessionRow:
    """A session in use.

    ``signed`` is its wire JSON, ``sequence`` the last one given out, ``acknowledged`` the last the server saw.
    """

    id: bytes
    chain_id: int
    settlement: bytes
    station: bytes
    listener: bytes
    payee: bytes
    not_after_s: int
    signed: str
    sequence: int = 0
    acknowledged: int = 0

    @cached_property
    def device(self) -> bytes:
        """The device that the listener signed for."""
        return from_hex(msgspec.json.decode(self.signed)["message"]["device"], 20)


@dataclass(frozen=True)
class TicketRow:
    """A ticket and its meter. ``state``: none, playing, paused or ended; ``station`` is the domain."""

    id: bytes
    session: bytes
    content: bytes
    listener: bytes
    server: bytes
    url: str
    station: str
    reward: int
    interval_s: int
    prepared_s: int
    expiry_s: int
    state: str = "none"
    heard_ms: int = 0
    position_ms: int = 0
    time_ms: int = 0

    @property
    def meter(self) -> Meter:
        """The meter after the last invocation."""
        return Meter(self.heard_ms, self.state == "playing", self.position_ms, self.time_ms)


@dataclass(frozen=True)
class Entry:
    """One invocation, as signed. ``state``: unreported, reported or refused (then with the server's code)."""

    session: bytes
    sequence: int
    ticket: bytes
    content: bytes
    listener: bytes
    action: str
    position_ms: int
    time_ms: int
    signature: bytes
    state: str = "unreported"
    code: str | None = None


@dataclass(frozen=True)
class UsageRow:
    """What one listener used of one content: counted here, and as the server last said."""

    plays: int = 0
    seeks: int = 0
    heard_ms: int = 0
    first_play_s: int | None = None
    server_plays: int = 0
    server_seeks: int = 0
    server_seconds: int = 0
    server_first_s: int | None = None
    secret: bytes | None = None


@dataclass(frozen=True)
class ReceiptRow:
    """The best receipt for (server, epoch, payee) on a network, or what the published data say (``signed``, ``detail``:
    ``null``).

    ``claimed`` is the transaction that paid it, ``final`` whether the chain pays the epoch, ``lies`` whether the money
    is at a payee, ``sure`` whether no reorganisation takes ``claimed`` back.
    """

    server: bytes
    epoch: int
    payee: bytes
    chain_id: int
    settlement: bytes
    amount: int
    signed: str
    detail: str
    content: bytes
    station: str
    claimed: str | None = None
    final: int = 0
    lies: int = 0
    sure: int = 0


@dataclass(frozen=True)
class PayeeRow:
    """A one-time address of a wallet.

    ``wallet`` is the first account of its words, ``number`` names the payee at ``station``.
    """

    wallet: bytes
    payee: bytes
    chain_id: int
    settlement: bytes
    station: bytes
    number: int
    name: str = ""
