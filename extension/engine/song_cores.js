/**
 * The Python cores that read songs, one for each site with players, so that the headers of a site take time and memory
 * of its own core only.
 *
 * A core ends with the last player of its site, also during a call; one that has read little is kept for the next site
 * for a while.
 */

import { Problem } from "../shared/problem.js";
import { PythonCore } from "./core.js";

/** Cores at once; further sites share them. */
const MAX_CORES = 4;
/** Total size of the headers that a site may have open at once, bytes. */
export const MAX_HEADER_BYTES_OF_SITE = 8 << 20;
/** A core that has read at most this many bytes may serve another site. */
const MAX_READ_OF_SPARE = 1 << 20;
const SPARE_MS = 60_000;
const MAX_CLOSED = 256;

/**
 * A core with its streams by site, the bytes of header by stream, and the bytes that it has read so far.
 * @typedef {{core: PythonCore, sites: Map<string, Set<string>>, sizes: Map<string, number>, read: number}} Reader
 */

/** @type {Set<Reader>} */
const readers = new Set();
/** Readers by stream. @type {Map<string, {reader: Reader, site: string}>} */
const open = new Map();
/** Closed streams, for which a late call starts no core. @type {Set<string>} */
const closed = new Set();
/** A reader without streams, kept for the next site. @type {Reader | null} */
let spare = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let spareTimer;

/**
 * Opens a core for a stream.
 * @param {string} stream @param {string} site
 * @returns {Promise<number>} time that Python took to start, ms
 */
export function openSong(stream, site) {
  const existing = open.get(stream);
  if (existing) return existing.reader.core.started;
  closed.delete(stream);
  const reader = readerFor(site);
  const streams = reader.sites.get(site) ?? new Set();
  reader.sites.set(site, streams.add(stream));
  open.set(stream, { reader, site });
  return reader.core.started;
}

/**
 * Calls an operation of pywallet.worker_api about a song.
 * @template {keyof import("./core_operations.d.ts").SongCoreOperations} Op
 * @param {Op} op
 * @param {import("./core_operations.d.ts").SongCoreOperations[Op]["arguments"]} payload
 * @param {Uint8Array} [header] of `header.load`
 * @returns {Promise<import("./core_operations.d.ts").SongCoreOperations[Op]["result"]>} rejected with a Problem
 * @throws {Problem} host.stream.unknown for a closed stream; site.streams above the site's limit of header bytes
 */
export async function song(op, payload, header) {
  if (closed.has(payload.stream)) throw new Problem("host.stream.unknown");
  openSong(payload.stream, open.get(payload.stream)?.site ?? "");
  const { reader, site } = /** @type {{reader: Reader, site: string}} */ (open.get(payload.stream));
  if (header) {
    reader.sizes.delete(payload.stream);
    let total = header.length;
    for (const stream of reader.sites.get(site) ?? []) total += reader.sizes.get(stream) ?? 0;
    if (total > MAX_HEADER_BYTES_OF_SITE) throw new Problem("site.streams", { limit: MAX_HEADER_BYTES_OF_SITE });
    reader.sizes.set(payload.stream, header.length);
    reader.read += header.length;
  }
  return reader.core.call(op, payload, header);
}

/** Closes a stream, and its core with the last stream of the site. @param {string} stream */
export function closeSong(stream) {
  const existing = open.get(stream);
  if (!existing) return;
  const { reader, site } = existing;
  open.delete(stream);
  closed.add(stream);
  if (closed.size > MAX_CLOSED)
    for (const oldest of closed) {
      closed.delete(oldest);
      break;
    }
  reader.sizes.delete(stream);
  const streams = reader.sites.get(site);
  streams?.delete(stream);
  if (streams?.size === 0) reader.sites.delete(site);
  if (reader.sites.size > 0) return void reader.core.call("stream.close", { stream }).catch(() => undefined);
  if (spare || reader.read > MAX_READ_OF_SPARE) return end(reader);
  reader.core.call("stream.close", { stream }).catch(() => undefined);
  keepSpare(reader);
}

/**
 * The reader that serves a site: its own, the spare one, a new one, or the one with least streams.
 * @param {string} site
 * @returns {Reader}
 */
function readerFor(site) {
  for (const reader of readers) if (reader.sites.has(site)) return reader;
  if (spare) {
    const reader = spare;
    spare = null;
    clearTimeout(spareTimer);
    return reader;
  }
  if (readers.size >= MAX_CORES) return [...readers].reduce((a, b) => (b.sizes.size < a.sizes.size ? b : a));
  return createReader();
}

/** Starts a core. */
function createReader() {
  /** @type {Reader} */
  const reader = { core: new PythonCore(), sites: new Map(), sizes: new Map(), read: 0 };
  readers.add(reader);
  return reader;
}

/** Keeps a reader for the next site. @param {Reader} reader */
function keepSpare(reader) {
  spare = reader;
  spareTimer = setTimeout(() => end(reader), SPARE_MS);
}

/** Ends a reader's core. @param {Reader} reader */
function end(reader) {
  if (spare === reader) {
    spare = null;
    clearTimeout(spareTimer);
  }
  readers.delete(reader);
  reader.core.end();
}
