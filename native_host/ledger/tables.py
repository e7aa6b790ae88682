"""The ledger's tables and their rows. Amounts are decimal text, times and positions integers, ids raw bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import msgspec

from pywallet.encoding.hex import from_hex
from pywallet.policy import Meter

VERSION: Final = 9
"""Of the tables; ``native_host.ledger.migrations`` has the steps from older ones."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS contents (
    content BLOB PRIMARY KEY, title TEXT NOT NULL, artist TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
    id BLOB PRIMARY KEY, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, station_address BLOB NOT NULL,
    listener BLOB NOT NULL,
    payee BLOB NOT NULL, not_after_s INTEGER NOT NULL, signed_json TEXT NOT NULL,
    sequence INTEGER NOT NULL DEFAULT 0, acknowledged INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_station ON sessions (station_address, not_after_s);
CREATE TABLE IF NOT EXISTS tickets (
    id BLOB PRIMARY KEY, session BLOB NOT NULL, content BLOB NOT NULL, listener BLOB NOT NULL, server BLOB NOT NULL,
    server_url TEXT NOT NULL,
    station_domain TEXT NOT NULL, reward_wei TEXT NOT NULL, interval_s INTEGER NOT NULL,
    prepared_s INTEGER NOT NULL, expiry_s INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'none', heard_ms INTEGER NOT NULL DEFAULT 0, position_ms INTEGER NOT NULL DEFAULT 0,
    time_ms INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS invocations (
    session BLOB NOT NULL, sequence INTEGER NOT NULL, ticket BLOB NOT NULL, content BLOB NOT NULL,
    listener BLOB NOT NULL,
    action TEXT NOT NULL, position_ms INTEGER NOT NULL, time_ms INTEGER NOT NULL, signature BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'unreported', code TEXT, uncounted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (session, sequence)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS invocations_unreported ON invocations (session, sequence, content, action)
    WHERE state = 'unreported';
CREATE INDEX IF NOT EXISTS invocations_counted ON invocations (listener, content, action, time_ms)
    WHERE action <> 'renew';
CREATE TABLE IF NOT EXISTS refusals (
    refusal_number INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, content BLOB, station_domain TEXT,
    action TEXT NOT NULL, code TEXT NOT NULL,
    amount_wei TEXT NOT NULL DEFAULT '0' CHECK (amount_wei = '0'));
CREATE TABLE IF NOT EXISTS usage (
    listener BLOB NOT NULL, content BLOB NOT NULL, plays INTEGER NOT NULL DEFAULT 0, seeks INTEGER NOT NULL DEFAULT 0,
    heard_ms INTEGER NOT NULL DEFAULT 0, first_play_s INTEGER, server_plays INTEGER NOT NULL DEFAULT 0,
    server_seeks INTEGER NOT NULL DEFAULT 0, server_seconds INTEGER NOT NULL DEFAULT 0, server_first_s INTEGER,
    tag_secret BLOB,
    PRIMARY KEY (listener, content)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tag_secrets (
    server BLOB NOT NULL, listener BLOB NOT NULL, content BLOB NOT NULL, tag_secret BLOB NOT NULL,
    PRIMARY KEY (server, listener, content)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS destructions (
    content BLOB NOT NULL, listener BLOB NOT NULL, time_ms INTEGER NOT NULL, code TEXT NOT NULL,
    signature BLOB NOT NULL,
    notice_sent INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (content, listener)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (
    ticket BLOB PRIMARY KEY, first_segment INTEGER NOT NULL, key_count INTEGER NOT NULL, expiry_s INTEGER NOT NULL,
    invocation_budget INTEGER NOT NULL,
    end_code TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receipts (
    server BLOB NOT NULL, epoch INTEGER NOT NULL, payee BLOB NOT NULL, chain_id INTEGER NOT NULL,
    settlement BLOB NOT NULL,
    amount_wei TEXT NOT NULL, signed_json TEXT NOT NULL, detail_json TEXT NOT NULL, content BLOB NOT NULL,
    station_domain TEXT NOT NULL,
    claim_transaction TEXT, final INTEGER NOT NULL DEFAULT 0, at_payee INTEGER NOT NULL DEFAULT 0,
    claim_confirmed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (server, epoch, payee, chain_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS receipts_payee ON receipts (payee);
CREATE INDEX IF NOT EXISTS receipts_newest ON receipts (epoch, server, payee);
CREATE INDEX IF NOT EXISTS receipts_claimed ON receipts (claim_transaction) WHERE claim_transaction IS NOT NULL;
CREATE INDEX IF NOT EXISTS receipts_open ON receipts (epoch, server, payee) WHERE claim_transaction IS NULL;
CREATE INDEX IF NOT EXISTS receipts_unsure ON receipts (epoch, server, payee)
    WHERE claim_transaction IS NOT NULL AND claim_confirmed = 0;
CREATE INDEX IF NOT EXISTS receipts_final ON receipts (epoch, server, payee)
    WHERE claim_transaction IS NULL AND final = 1;
CREATE INDEX IF NOT EXISTS receipts_pending ON receipts (epoch, server, payee)
    WHERE claim_transaction IS NULL AND final = 0;
CREATE INDEX IF NOT EXISTS sessions_payee ON sessions (payee);
CREATE INDEX IF NOT EXISTS tickets_time ON tickets (time_ms);
CREATE TABLE IF NOT EXISTS payees (
    wallet BLOB NOT NULL, payee BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL,
    station_address BLOB NOT NULL,
    session_number INTEGER NOT NULL, station_name TEXT NOT NULL, PRIMARY KEY (wallet, payee, chain_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS payees_payee ON payees (payee);
CREATE TABLE IF NOT EXISTS scans (
    wallet BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, listed_block INTEGER NOT NULL,
    post_count INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (wallet, chain_id, settlement)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS scan_posts (
    wallet BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, epoch INTEGER NOT NULL,
    server BLOB NOT NULL,
    data_hash BLOB NOT NULL, code TEXT, retry_round INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (wallet, chain_id, settlement, epoch, server)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS scan_posts_turn ON scan_posts (wallet, chain_id, settlement, retry_round, epoch, server);
CREATE TABLE IF NOT EXISTS candidates (
    wallet BLOB NOT NULL, day INTEGER NOT NULL, station_address BLOB NOT NULL, payees BLOB NOT NULL,
    PRIMARY KEY (wallet, day, station_address)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sites (
    origin TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('allowed', 'paused', 'revoked')),
    daily_budget_wei TEXT NOT NULL,
    first_used_s INTEGER NOT NULL, last_used_s INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS debits (
    debit_number INTEGER PRIMARY KEY, ticket BLOB NOT NULL, origin TEXT NOT NULL, day INTEGER NOT NULL,
    amount_wei TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS payments (
    ticket BLOB PRIMARY KEY, server BLOB NOT NULL, payer BLOB NOT NULL, station_address BLOB NOT NULL,
    station_domain TEXT NOT NULL,
    chain_id INTEGER NOT NULL, ticket_number INTEGER NOT NULL, session BLOB NOT NULL, content BLOB NOT NULL,
    price_wei TEXT NOT NULL,
    bps INTEGER NOT NULL, vouchered_intervals INTEGER NOT NULL DEFAULT 0, agreed_bps INTEGER NOT NULL DEFAULT 0,
    lost_intervals INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS payments_payer ON payments (payer, server);
CREATE TABLE IF NOT EXISTS vouchers (
    server BLOB NOT NULL, payer BLOB NOT NULL, cap_wei TEXT NOT NULL, until_epoch INTEGER NOT NULL,
    signed_json TEXT NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0, agreed_value TEXT NOT NULL DEFAULT '0', lines_json TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (server, payer)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS debits_ticket ON debits (ticket);
CREATE INDEX IF NOT EXISTS debits_day ON debits (day, origin);
"""


@dataclass(frozen=True)
class SessionRow:
    """A session in use.

    Attributes:
        id: Digest of the session, 32 bytes.
        chain_id: Chain of the settlement contract.
        settlement: Address of the settlement contract, 20 bytes.
        station_address: Address of the station, 20 bytes.
        listener: Address of the listener key, 20 bytes.
        payee: Address of the payee, 20 bytes; zero without one.
        not_after_s: End, Unix seconds.
        signed_json: The signed ``Session``.
        sequence: Last allocated sequence number of an invocation.
        acknowledged: Last sequence number that the server has.
    """

    id: bytes
    chain_id: int
    settlement: bytes
    station_address: bytes
    listener: bytes
    payee: bytes
    not_after_s: int
    signed_json: str
    sequence: int = 0
    acknowledged: int = 0

    @cached_property
    def device(self) -> bytes:
        """Address of the device in the session."""
        return from_hex(msgspec.json.decode(self.signed_json)["message"]["device"], 20)


@dataclass(frozen=True)
class TicketRow:
    """A ticket and its meter. ``state``: none, held, playing, paused or ended."""

    id: bytes
    session: bytes
    content: bytes
    listener: bytes
    server: bytes
    server_url: str
    station_domain: str
    reward_wei: int
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
class InvocationRow:
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
    """One listener's use of one content: the ledger's own counters, and the server's last ones."""

    plays: int = 0
    seeks: int = 0
    heard_ms: int = 0
    first_play_s: int | None = None
    server_plays: int = 0
    server_seeks: int = 0
    server_seconds: int = 0
    server_first_s: int | None = None
    tag_secret: bytes | None = None


@dataclass(frozen=True)
class ReceiptRow:
    """The highest receipt of a payee for an epoch of a server on a network.

    Attributes:
        server: Address of the server, 20 bytes.
        epoch: Number of the epoch.
        payee: Address of the payee, 20 bytes.
        chain_id: Chain of the settlement contract.
        settlement: Address of the settlement contract, 20 bytes.
        amount_wei: Amount earned in the epoch.
        signed_json: The signed ``Receipt``; ``null`` where only published data have the amount.
        detail_json: Its detail; ``null`` where only published data have the amount.
        content: Address of the content, 20 bytes; empty where only published data have the amount.
        station_domain: Domain of the station; empty if it is not known.
        claim_transaction: Transaction that moved the amount to the wallet.
        final: 1 if the epoch is final on the chain.
        at_payee: 1 if the amount is at the payee's own address.
        claim_confirmed: 1 if the claim has the network's confirmations.
    """

    server: bytes
    epoch: int
    payee: bytes
    chain_id: int
    settlement: bytes
    amount_wei: int
    signed_json: str
    detail_json: str
    content: bytes
    station_domain: str
    claim_transaction: str | None = None
    final: int = 0
    at_payee: int = 0
    claim_confirmed: int = 0


@dataclass(frozen=True)
class PayeeRow:
    """A one-time address of a wallet.

    Attributes:
        wallet: First account of the wallet, 20 bytes.
        payee: The address, 20 bytes.
        chain_id: Chain of the settlement contract.
        settlement: Address of the settlement contract, 20 bytes.
        station_address: Address of the station, 20 bytes.
        session_number: Number of the wallet's session at the station, from which the payee is derived.
        station_name: Name of the station.
    """

    wallet: bytes
    payee: bytes
    chain_id: int
    settlement: bytes
    station_address: bytes
    session_number: int
    station_name: str = ""
