/** Steps of the start of a Worker with the Python core, ms since the Worker was created. */
export interface StartTimeline {
  /** The Worker's modules are loaded. */
  loading_ms: number;
  /** The memory snapshot is read and decompressed. */
  snapshot_ms: number;
  /** WebAssembly is fetched, compiled and instantiated. */
  wasm_ms: number;
  /** The snapshot is in place and Python runs. */
  python_ms: number;
  /** The first call has a result. */
  ready_ms: number;
}
