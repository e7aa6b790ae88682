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
    claimed TEXT, final INTEGER NOT NULL DEFAULT 0, lies INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (server, epoch, payee)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS receipts_payee ON receipts (payee);
CREATE INDEX IF NOT EXISTS receipts_newest ON receipts (epoch, server, payee);
CREATE INDEX IF NOT EXISTS receipts_claimed ON receipts (claimed) WHERE claimed IS NOT NULL;
CREATE INDEX IF NOT EXISTS receipts_open ON receipts (epoch, server, payee) WHERE claimed IS NULL;
CREATE INDEX IF NOT EXISTS receipts_pending ON receipts (server, epoch) WHERE claimed IS NULL AND final = 0;
CREATE INDEX IF NOT EXISTS sessions_payee ON sessions (payee);
CREATE INDEX IF NOT EXISTS tickets_time ON tickets (time_ms);
CREATE TABLE IF NOT EXISTS payees (
    wallet BLOB NOT NULL, payee BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, station BLOB NOT NULL,
    number INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (wallet, payee)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS payees_payee ON payees (payee);
CREATE TABLE IF NOT EXISTS scans (
    wallet BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, block INTEGER NOT NULL, listed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (wallet, chain_id, settlement)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS scan_posts (
    wallet BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL, epoch INTEGER NOT NULL, server BLOB NOT NULL,
    data BLOB NOT NULL, code TEXT, PRIMARY KEY (wallet, chain_id, settlement, epoch, server)) WITHOUT ROWID;
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
PRAGMA user_version=7;
