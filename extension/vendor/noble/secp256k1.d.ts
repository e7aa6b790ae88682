export function recoverPublicKey(signature: Uint8Array, message: Uint8Array, options: { prehash: boolean; isCompressed: boolean }): Uint8Array;
