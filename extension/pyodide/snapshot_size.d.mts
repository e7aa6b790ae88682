/** Size of the decompressed snapshot, bytes. */
export const SNAPSHOT_BYTES: number;
