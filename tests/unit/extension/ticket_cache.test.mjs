// Unused tickets of all streams, and the latest session of each site.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MIN_REMAINING_S,
  isValid,
  keyOf,
  putBack,
  recentSession,
  rememberSession,
  takeBack,
} from "../../../extension/engine/playback/ticket_cache.js";

const NOW_S = 1_800_000_000;
const ticket = (expiry) => /** @type {any} */ ({ message: { expiry: String(expiry) } });
const session = (signature) => /** @type {any} */ ({ signature });

test("a ticket is valid until shortly before it expires", () => {
  assert.equal(isValid(ticket(NOW_S + MIN_REMAINING_S + 1), NOW_S), true);
  assert.equal(isValid(ticket(NOW_S + MIN_REMAINING_S), NOW_S), false);
});

test("an unused ticket is taken once, by site, session and song", () => {
  const key = keyOf("https://radio.example", session("0x1"), "0xc");
  const unused = ticket(NOW_S + 3600);
  putBack(key, unused);
  assert.equal(takeBack(keyOf("https://radio.example", session("0x2"), "0xc"), NOW_S), null);
  assert.equal(takeBack(key, NOW_S), unused);
  assert.equal(takeBack(key, NOW_S), null);
});

test("a ticket that has expired is not used again", () => {
  putBack("expired", ticket(NOW_S));
  assert.equal(takeBack("expired", NOW_S), null);
});

test("64 tickets and sessions are kept, without the oldest", () => {
  for (let i = 0; i <= 64; i++) {
    putBack(`ticket ${i}`, ticket(NOW_S + 3600));
    rememberSession(`https://${i}.example`, session(`0x${i}`));
  }
  assert.equal(takeBack("ticket 0", NOW_S), null);
  assert.notEqual(takeBack("ticket 1", NOW_S), null);
  assert.equal(recentSession("https://0.example"), undefined);
  assert.equal(recentSession("https://64.example")?.signature, "0x64");
});
