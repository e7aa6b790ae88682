// Keys of a grant of the Python core, unwrapped as in the browser.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fromBase64, fromHex, join } from "../../../extension/engine/bytes.js";
import { aad, KeyRing, unseal } from "../../../extension/engine/playback/key_ring.js";

const vector = JSON.parse(readFileSync(new URL("../../vectors/sps/grant.json", import.meta.url), "utf8"));
const address = { content: fromHex(vector.content), rendition: vector.rendition, epochs: vector.epochs };
const grant = (segments = vector.segments) => ({
  ephemeral: vector.ephemeral,
  keys: segments.map(({ wrapped }, index) => [index, wrapped]),
});
const tag = (error) => error.code === "sps.segment.tag";

/** A ring with the vector's key in the place of its own. */
async function ringOf() {
  const ring = new KeyRing();
  // PKCS #8 (RFC 8410): the fixed beginning of an X25519 private key.
  const pkcs8 = join(fromHex("0x302e020100300506032b656e04220420"), fromBase64(vector.private));
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, { name: "X25519" }, false, ["deriveBits"]);
  ring.pair = Promise.resolve({ privateKey });
  ring.publicKey = Promise.resolve(fromBase64(vector.public));
  return ring;
}

test("associated data of segments are those of the core", () => {
  for (const [index, { aad: expected }] of vector.segments.entries())
    assert.deepEqual(aad(address, index), fromHex(expected));
});

test("every segment of the vector is decrypted with its key, and no key can be exported", async () => {
  const ring = await ringOf();
  await ring.addGrant(grant(), address);
  for (const [index, { sealed, clear }] of vector.segments.entries()) {
    const key = ring.keys.get(index);
    assert.equal(new TextDecoder().decode(await unseal(key, fromBase64(sealed), address, index)), clear);
    assert.equal(key.extractable, false);
    assert.deepEqual(key.usages, ["decrypt"]);
    await assert.rejects(crypto.subtle.exportKey("raw", key));
  }
});

test("a key for another segment, content, rendition or epoch does not unwrap", async () => {
  const ring = await ringOf();
  const [first] = vector.segments;
  await assert.rejects(ring.addGrant({ ephemeral: vector.ephemeral, keys: [[1, first.wrapped]] }, address), tag);
  for (const other of [{ content: new Uint8Array(20) }, { rendition: 1 }, { epochs: [[8, 0]] }]) {
    await assert.rejects(ring.addGrant(grant([first]), { ...address, ...other }), tag);
  }
  assert.equal(ring.keys.size, 0);
});

test("a grant for another stream does not unwrap", async () => {
  await assert.rejects(new KeyRing().addGrant(grant(), address), tag);
});

test("a segment that was changed, moved or cut is not decrypted", async () => {
  const ring = await ringOf();
  await ring.addGrant(grant(), address);
  const sealed = fromBase64(vector.segments[0].sealed);
  for (let i = 0; i < sealed.length; i += 1)
    await assert.rejects(
      unseal(
        ring.keys.get(0),
        sealed.map((byte, at) => (at === i ? byte ^ 1 : byte)),
        address,
        0,
      ),
      tag,
    );
  await assert.rejects(unseal(ring.keys.get(0), sealed, address, 1), tag);
  for (const size of [0, 11, 12, 27])
    await assert.rejects(unseal(ring.keys.get(0), sealed.slice(0, size), address, 0), tag);
});

test("each ring has a key pair of its own whose private key cannot be exported, and drops its keys", async () => {
  const [one, two] = [new KeyRing(), new KeyRing()];
  assert.equal((await one.publicKey).length, 32);
  assert.notDeepEqual(await one.publicKey, await two.publicKey);
  assert.equal((await one.pair).privateKey.extractable, false);
  const ring = await ringOf();
  await ring.addGrant(grant(), address);
  ring.clear();
  assert.equal(ring.keys.size, 0);
});
