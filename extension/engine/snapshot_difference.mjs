/**
 * The memory snapshot as a difference to the static data of Pyodide's WebAssembly, which the package has already.
 */

/** Size of the memory with the static data, bytes; the rest of the snapshot is stored as it is. */
export const STATIC_BYTES = 4 << 20;

/**
 * Exclusive or of a snapshot's memory with the memory of a module before its first instruction: from the snapshot to
 * the difference, and back.
 * @param {Uint8Array} snapshot changed in place; at the start of its buffer
 * @param {Uint8Array} memory at least STATIC_BYTES, at the start of its buffer
 */
export function toggleDifference(snapshot, memory) {
  // The second word of Pyodide's header is its size, which is a multiple of 16.
  const words = new Uint32Array(snapshot.buffer, 0, snapshot.length >> 2);
  const first = /** @type {number} */ (words[1]) >> 2;
  const data = new Uint32Array(memory.buffer, 0, STATIC_BYTES >> 2);
  for (let i = 0; i < data.length; i++)
    words[first + i] = /** @type {number} */ (words[first + i]) ^ /** @type {number} */ (data[i]);
}
