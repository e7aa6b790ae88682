/**
 * Who signed, by @noble/secp256k1: what the core's Python would need a tenth of a second for. No secret comes here.
 */

import { recoverPublicKey } from "../vendor/noble/secp256k1.js";

/**
 * @param {Uint8Array} digest 32 bytes
 * @param {Uint8Array} signature r, s, and the recovery number 0 or 1
 * @returns {Uint8Array} the public key, 64 bytes; throws where there is none
 */
export function recover(digest, signature) {
  const ordered = new Uint8Array(65);
  ordered[0] = signature[64] ?? 0;
  ordered.set(signature.subarray(0, 64), 1);
  return recoverPublicKey(ordered, digest, { prehash: false, isCompressed: false }).subarray(1);
}
