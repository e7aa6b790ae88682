/**
 * The player's model: what is copied into a report.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { INITIAL_STATE, fixedHeight, report } from "../../../extension/player/model.js";

test("an internal error is reported with its reason, others by their code only", () => {
  assert.equal(report("internal", { reason: "worker ended" }), "internal: worker ended");
  assert.equal(report("internal", {}), "internal");
  assert.equal(report("internal", undefined), "internal");
  assert.equal(report("host.gone", { reason: "exited" }), "host.gone");
});

test("the height of a player reveals nothing of a song that is not accepted, nor the error of its address", () => {
  const height = (state, code, terms = null) =>
    fixedHeight({ terms, state: { ...INITIAL_STATE, state }, problem: code ? { code, detail: {} } : null, at: 0 });
  const loading = [null, { title: "x".repeat(500), facts: {} }].map((terms) => height("loading", null, terms));
  assert.equal(new Set(loading).size, 1);
  const failed = [
    "sps.magic",
    "sps.segment.missing",
    "site.address",
    "sps.header.malformed",
    "content.unknown",
    "site.streams",
  ].map((code) => height("loading", code));
  assert.equal(new Set(failed).size, 1);
  for (const one of [...loading, ...failed]) assert.equal(typeof one, "number");
  for (const state of ["ready", "playing", "refused", "failed"]) assert.equal(height(state, null), null);
  assert.equal(height("loading", "host.missing"), null);
});
