-- A ledger of version 1, the oldest that is migrated: its tables, with one play in them.
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
CREATE INDEX IF NOT EXISTS tickets_time ON tickets (time_ms);
CREATE TABLE IF NOT EXISTS invocations (
    session BLOB NOT NULL, sequence INTEGER NOT NULL, ticket BLOB NOT NULL, content BLOB NOT NULL, listener BLOB NOT NULL,
    action TEXT NOT NULL, position_ms INTEGER NOT NULL, time_ms INTEGER NOT NULL, signature BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'unreported', code TEXT,
    PRIMARY KEY (session, sequence)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS invocations_unreported ON invocations (session, sequence) WHERE state = 'unreported';
CREATE INDEX IF NOT EXISTS invocations_counted ON invocations (listener, content, action, time_ms) WHERE action <> 'renew';
CREATE TABLE IF NOT EXISTS refusals (
    number INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, content BLOB, station TEXT, action TEXT NOT NULL, code TEXT NOT NULL,
    amount TEXT NOT NULL DEFAULT '0' CHECK (amount = '0'));
CREATE TABLE IF NOT EXISTS usage (
    listener BLOB NOT NULL, content BLOB NOT NULL, plays INTEGER NOT NULL DEFAULT 0, seeks INTEGER NOT NULL DEFAULT 0,
    heard_ms INTEGER NOT NULL DEFAULT 0, first_play_s INTEGER, server_plays INTEGER NOT NULL DEFAULT 0,
    server_seeks INTEGER NOT NULL DEFAULT 0, server_seconds INTEGER NOT NULL DEFAULT 0, server_first_s INTEGER, secret BLOB,
    PRIMARY KEY (listener, content)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (
    ticket BLOB PRIMARY KEY, first INTEGER NOT NULL, count INTEGER NOT NULL, expires_s INTEGER NOT NULL, budget INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0, ended TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receipts (
    server BLOB NOT NULL, epoch INTEGER NOT NULL, payee BLOB NOT NULL, chain_id INTEGER NOT NULL, settlement BLOB NOT NULL,
    amount TEXT NOT NULL, signed TEXT NOT NULL, detail TEXT NOT NULL, content BLOB NOT NULL, station TEXT NOT NULL,
    claimed TEXT, PRIMARY KEY (server, epoch, payee)) WITHOUT ROWID;
INSERT INTO contents (content, title, artist) VALUES (x'6363636363636363636363636363636363636363', 'Slow Tide', 'The Lamps');
INSERT INTO sessions (id, chain_id, settlement, station, listener, payee, not_after_s, signed, sequence, acknowledged) VALUES (x'7373737373737373737373737373737373737373737373737373737373737373', 31337, x'6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d', x'7272727272727272727272727272727272727272', x'6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c', x'7070707070707070707070707070707070707070', 90000, '{}', 2, 1);
INSERT INTO tickets (id, session, content, listener, server, url, station, reward, interval_s, prepared_s, expiry_s, state, heard_ms, position_ms, time_ms) VALUES (x'7474747474747474747474747474747474747474747474747474747474747474', x'7373737373737373737373737373737373737373737373737373737373737373', x'6363636363636363636363636363636363636363', x'6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c', x'7676767676767676767676767676767676767676', 'https://server.example', 'radio.example', '12345678901234567890', 30, 5, 9000, 'playing', 61000, 61000, 70000);
INSERT INTO invocations (session, sequence, ticket, content, listener, action, position_ms, time_ms, signature, state) VALUES (x'7373737373737373737373737373737373737373737373737373737373737373', 1, x'7474747474747474747474747474747474747474747474747474747474747474', x'6363636363636363636363636363636363636363', x'6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c', 'play', 0, 9000, x'6767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767', 'reported');
INSERT INTO invocations (session, sequence, ticket, content, listener, action, position_ms, time_ms, signature) VALUES (x'7373737373737373737373737373737373737373737373737373737373737373', 2, x'7474747474747474747474747474747474747474747474747474747474747474', x'6363636363636363636363636363636363636363', x'6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c', 'seek', 5000, 70000, x'6767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767');
INSERT INTO refusals (number, time_s, content, station, action, code) VALUES (7, 5, x'6363636363636363636363636363636363636363', 'radio.example', 'play', 'policy.expired');
INSERT INTO usage (listener, content, plays, seeks, heard_ms, first_play_s, server_plays, server_seeks, server_seconds, server_first_s, secret) VALUES (x'6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c', x'6363636363636363636363636363636363636363', 1, 1, 61000, 9, 1, 0, 30, 9, x'6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b');
INSERT INTO leases (ticket, first, count, expires_s, budget, ended) VALUES (x'7474747474747474747474747474747474747474747474747474747474747474', 3, 4, 600, 100, NULL);
INSERT INTO receipts (server, epoch, payee, chain_id, settlement, amount, signed, detail, content, station, claimed) VALUES (x'7676767676767676767676767676767676767676', 5, x'7070707070707070707070707070707070707070', 31337, x'6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d', '98765432109876543210', '{"receipt":1}', '{"detail":1}', x'6363636363636363636363636363636363636363', 'radio.example', '0xabc');
PRAGMA user_version=1;
