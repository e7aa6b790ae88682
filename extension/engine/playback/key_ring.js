/**
 * Keys of segments: wrapped to an X25519 key of this stream, and unwrapped into WebCrypto keys that cannot be exported.
 */

import { Problem } from "../../shared/problem.js";
import { bigEndian, fromBase64, join } from "../bytes.js";

const { subtle } = crypto;
const NONCE_BYTES = 12;
/** Cached wrapping keys: the host's and those of the server's latest grants. */
const MAX_WRAPPING_KEYS = 8;
const AES = { name: "AES-GCM", length: 256 };

export class KeyRing {
  constructor() {
    /** Keys by segment. @type {Map<number, CryptoKey>} */
    this.keys = new Map();
    /** Wrapping keys by the other side's ephemeral key. @type {Map<string, Promise<CryptoKey>>} */
    this.wrappingKeys = new Map();
    this.pair = /** @type {Promise<CryptoKeyPair>} */ (subtle.generateKey({ name: "X25519" }, false, ["deriveBits"]));
    this.publicKey = this.pair.then(async ({ publicKey }) => new Uint8Array(await subtle.exportKey("raw", publicKey)));
  }

  /**
   * Unwraps the keys of a grant.
   * @param {{ephemeral: string, keys: [number, string][]}} grant
   * @param {SegmentAddress} address of the rendition
   */
  async addGrant(grant, address) {
    const wrapping = await this.wrappingKey(grant.ephemeral);
    await Promise.all(
      grant.keys.map(async ([index, text]) => {
        const wrapped = fromBase64(text);
        const algorithm = {
          name: "AES-GCM",
          iv: wrapped.subarray(0, NONCE_BYTES),
          additionalData: aad(address, index),
        };
        try {
          this.keys.set(
            index,
            await subtle.unwrapKey("raw", wrapped.subarray(NONCE_BYTES), wrapping, algorithm, AES, false, ["decrypt"]),
          );
        } catch {
          throw new Problem("sps.segment.tag", { segment: index, reason: "key" });
        }
      }),
    );
  }

  /** Wrapping key for the other side's ephemeral key, cached. @param {string} ephemeral base64 */
  wrappingKey(ephemeral) {
    let cached = this.wrappingKeys.get(ephemeral);
    if (!cached) {
      cached = this.derive(fromBase64(ephemeral));
      this.wrappingKeys.set(ephemeral, cached);
      if (this.wrappingKeys.size > MAX_WRAPPING_KEYS)
        for (const [oldest] of this.wrappingKeys)
          if (this.wrappingKeys.size > MAX_WRAPPING_KEYS) this.wrappingKeys.delete(oldest);
    }
    return cached;
  }

  /** @private @param {Uint8Array<ArrayBuffer>} ephemeral */
  async derive(ephemeral) {
    const [{ privateKey }, own] = await Promise.all([this.pair, this.publicKey]);
    const peer = await subtle.importKey("raw", ephemeral, { name: "X25519" }, false, []);
    const shared = await subtle.importKey(
      "raw",
      await subtle.deriveBits({ name: "X25519", public: peer }, privateKey, 256),
      "HKDF",
      false,
      ["deriveKey"],
    );
    const algorithm = {
      name: "HKDF",
      hash: "SHA-256",
      salt: new Uint8Array(0),
      info: join("sps/1 grant", own, ephemeral),
    };
    return subtle.deriveKey(algorithm, shared, AES, false, ["unwrapKey"]);
  }

  /**
   * Removes the keys outside of a range of segments.
   * @param {number} first
   * @param {number} last
   */
  trim(first, last) {
    for (const index of this.keys.keys()) if (index < first || index > last) this.keys.delete(index);
  }

  /** Removes every key. */
  clear() {
    this.keys.clear();
  }
}

/**
 * Rendition to which sealed segments and wrapped keys are bound. `epochs`: (key epoch, first segment).
 * @typedef {{content: Uint8Array, rendition: number, epochs: [number, number][]}} SegmentAddress
 */

/** Associated data of a segment's encryption. @param {SegmentAddress} address @param {number} index */
export function aad({ content, rendition, epochs }, index) {
  const epoch = epochs.findLast(([, first]) => first <= index)?.[0] ?? 0;
  return join(content, bigEndian(rendition, 2), bigEndian(epoch, 4), bigEndian(index, 4));
}

/**
 * Decrypts a sealed segment.
 * @param {CryptoKey} key
 * @param {Uint8Array<ArrayBuffer>} sealed
 * @param {SegmentAddress} address
 * @param {number} index
 */
export async function unseal(key, sealed, address, index) {
  const algorithm = { name: "AES-GCM", iv: sealed.subarray(0, NONCE_BYTES), additionalData: aad(address, index) };
  try {
    return await subtle.decrypt(algorithm, key, sealed.subarray(NONCE_BYTES));
  } catch {
    throw new Problem("sps.segment.tag", { segment: index });
  }
}
