/**
 * Pages that carry their song: the vectors of docs/format/html.md against the engine's reader and the content script's.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";
import { inflateSync } from "node:zlib";

import { isPage, locateSong } from "../../../extension/engine/media/polyglot.js";
import { Problem } from "../../../extension/shared/problem.js";

/**
 * @typedef {{kind: string, name: string, code: string | null, data?: string, zlib?: string, place?: [number, number,
 *   number[]] | null, bits?: string, pairs?: string, written?: string}} Case
 */

/** @type {Case[]} */
const CASES = JSON.parse(readFileSync(new URL("../../vectors/sps/cases.json", import.meta.url), "utf-8"));
const SCRIPT = readFileSync(new URL("../../../extension/content/selfrender.js", import.meta.url), "utf-8");
const START = "\u2030SPS\n\u001a\n";
const MAGIC = Buffer.from("895350530d0a1a0a", "hex");

/** @param {Case} one */
const bytesOf = (one) =>
  new Uint8Array(one.zlib ? inflateSync(Buffer.from(one.zlib, "base64")) : Buffer.from(one.data ?? "", "base64"));

test("the song of every page is located as in the vectors, or refused with their code", () => {
  const pages = CASES.filter((one) => one.kind === "page");
  assert.ok(pages.length > 50);
  for (const one of pages) {
    const data = bytesOf(one);
    if (!isPage(data)) {
      assert.equal(one.place, null, one.name);
      continue;
    }
    try {
      const { offset, size, patches } = locateSong(data);
      assert.deepEqual([offset, size, patches], one.place, one.name);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      assert.deepEqual([one.place, error.code], [null, one.code], one.name);
    }
  }
});

/**
 * The content script in a page on disk whose text is all that can be read.
 * @param {string} text of the comment
 * @param {{bits: string, pairs: string}} lines
 * @param {number} size @param {string} sha256
 */
function opened(text, lines, size, sha256) {
  class Comment {
    data = text;
  }
  const mark = { getAttribute: () => `v=1;off=19;len=${size};sha256=${sha256}` };
  const counted = { reads: 0 };
  const document = {
    contentType: "text/html",
    readyState: "complete",
    querySelector: (/** @type {string} */ selector) =>
      selector === "sps-player[data-sps]" ? { setAttribute: () => undefined } : null,
    querySelectorAll: (/** @type {string} */ selector) => (selector === 'meta[name="sps"]' ? [mark] : []),
    getElementById: () => ({ dataset: lines }),
    createTreeWalker: () => {
      let there = true;
      return { currentNode: new Comment(), nextNode: () => (there ? !(there = false) : false) };
    },
  };
  const world = createContext({
    document,
    Comment,
    crypto,
    atob,
    btoa,
    counted,
    location: { href: "file:///song.sps.html", protocol: "file:" },
    fetch: () => Promise.reject(new Error("not allowed")),
    NodeFilter: { SHOW_COMMENT: 128 },
    MutationObserver: class {
      observe() {}
      disconnect() {}
    },
    addEventListener: () => undefined,
  });
  runInContext("globalThis.window = globalThis; window.top = window;", world);
  runInContext(
    "const plain = String.prototype.charCodeAt; String.prototype.charCodeAt = function (at) { counted.reads++; return plain.call(this, at); };",
    world,
  );
  runInContext(SCRIPT, world);
  return { song: /** @type {any} */ (world)["gomaaSong"], counted };
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
const digest = async (bytes) => Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");

test("the comment's text gives the bytes that were written, by the vectors", async () => {
  const texts = CASES.filter((one) => one.kind === "text" && one.code === null);
  assert.ok(texts.length > 8);
  for (const one of texts) {
    const written = new Uint8Array(Buffer.concat([MAGIC, Buffer.from(one.written ?? "", "base64")]));
    // The magic's two line ends come before the vector's own: CR LF, then LF.
    const lines = {
      bits: shifted(one.bits ?? ""),
      pairs: [
        "0",
        ...(one.pairs ?? "")
          .split(" ")
          .filter(Boolean)
          .map((n) => String(Number(n) + 2)),
      ].join(" "),
    };
    const { song } = opened(
      START + Buffer.from(bytesOf(one)).toString("utf-8"),
      lines,
      written.length,
      await digest(written),
    );
    assert.deepEqual(new Uint8Array(Buffer.from(await song.read(0, written.length), "base64")), written, one.name);
  }
});

/** Two zero bits before the others. @param {string} base64 */
function shifted(base64) {
  const bits = "00" + Array.from(Buffer.from(base64, "base64"), (byte) => byte.toString(2).padStart(8, "0")).join("");
  const bytes = (bits.match(/.{1,8}/g) ?? []).map((part) => parseInt(part.padEnd(8, "0"), 2));
  return Buffer.from(bytes).toString("base64");
}

test("each character is read once, however long the text is", async () => {
  for (const length of [1_000, 100_000, 400_000]) {
    const text = START + "a\n".repeat(length / 2);
    const { song, counted } = opened(
      text,
      { bits: Buffer.alloc(length / 16 + 2).toString("base64"), pairs: "0" },
      MAGIC.length + length,
      "0".repeat(64),
    );
    await assert.rejects(song.read(0, 1), { code: "sps.segment.hash" });
    // A line end is looked up in the bits, too.
    assert.ok(counted.reads <= 2 * text.length + 200, `${counted.reads} reads of ${text.length} characters`);
  }
});
