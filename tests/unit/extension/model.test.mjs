/**
 * The player's model: what is copied into a report.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { report } from "../../../extension/player/model.js";

test("a mistake of GoMAA itself is reported with its reason, everything else by its code alone", () => {
  assert.equal(report("internal", { reason: "worker ended" }), "internal: worker ended");
  assert.equal(report("internal", {}), "internal");
  assert.equal(report("internal", undefined), "internal");
  assert.equal(report("host.gone", { reason: "exited" }), "host.gone");
});
