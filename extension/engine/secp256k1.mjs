/**
 * Public-key recovery by @noble/secp256k1: Python takes a tenth of a second. No secrets are involved.
 */

import { recoverPublicKey } from "../vendor/noble/secp256k1.js";

/**
 * Recovers the public key of an ECDSA signature.
 * @param {Uint8Array} digest 32 bytes
 * @param {Uint8Array} signature r, s, and the recovery number 0 or 1
 * @returns {Uint8Array} the public key, 64 bytes
 * @throws where the signature is invalid
 */
export function recover(digest, signature) {
  const ordered = new Uint8Array(65);
  ordered[0] = signature[64] ?? 0;
  ordered.set(signature.subarray(0, 64), 1);
  return recoverPublicKey(ordered, digest, { prehash: false, isCompressed: false }).subarray(1);
}
