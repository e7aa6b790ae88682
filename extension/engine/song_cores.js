/**
 * The cores that read songs, one for each site with players: what a site's headers cost in time and memory is that
 * site's own.
 *
 * A core ends with the last player of its site, whatever it is reading; one that has read little is kept for the next
 * site for a while.
 */

import { Problem } from "../shared/problem.js";
import { Core } from "./core.js";

/** Cores at once; sites beyond share. */
const MOST_CORES = 4;
/** Bytes of the headers that a site has open at once. */
export const MOST_BYTES_OF_SITE = 8 << 20;
/** A core that has read no more than this may serve another site. */
const LITTLE = 1 << 20;
const KEPT_MS = 60_000;
const MOST_CLOSED = 256;

/**
 * @typedef {{core: Core, sites: Map<string, Set<string>>, sizes: Map<string, number>, read: number}} Reader streams by
 *   site, bytes of header by stream, bytes read so far
 */

/**
 * @typedef {{state: string, invoke: string | null, sound: string | null, from_start: boolean}} Next what a request would
 *   do now
 * @typedef {{
 *   content: string,
 *   owner: string,
 *   title: string,
 *   artist: string,
 *   album: string | null,
 *   quality: string,
 *   duration_ms: number,
 *   rate: number,
 *   watermark: Record<string, any> | null,
 *   server: {address: string},
 *   delivery: string[],
 *   waveform: string | null,
 *   payer: string,
 *   price_wei: string,
 *   next: Record<"play" | "pause" | "seek", Next>,
 *   extent: {from_ms: number, to_ms: number | null},
 * }} OpenedSong result of `header.load` (pywallet/worker_api/songs.py); the segments come from the host
 */

/** @type {Set<Reader>} */
const readers = new Set();
/** @type {Map<string, {reader: Reader, site: string}>} by stream */
const open = new Map();
/** @type {Set<string>} streams whose late words start no core */
const closed = new Set();
/** @type {Reader | null} kept for the next site */
let spare = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * How long Python took to start for this stream.
 * @param {string} stream @param {string} site
 * @returns {Promise<number>}
 */
export function openSong(stream, site) {
  const known = open.get(stream);
  if (known) return known.reader.core.started;
  closed.delete(stream);
  const reader = readerFor(site);
  const streams = reader.sites.get(site) ?? new Set();
  reader.sites.set(site, streams.add(stream));
  open.set(stream, { reader, site });
  return reader.core.started;
}

/**
 * One operation of pywallet.worker_api about a song.
 * @param {string} op
 * @param {{stream: string, [field: string]: unknown}} payload
 * @param {Uint8Array} [header]
 * @returns {Promise<any>}
 */
export async function song(op, payload, header) {
  if (closed.has(payload.stream)) throw new Problem("host.stream.unknown");
  openSong(payload.stream, open.get(payload.stream)?.site ?? "");
  const { reader, site } = /** @type {{reader: Reader, site: string}} */ (open.get(payload.stream));
  if (header) {
    reader.sizes.delete(payload.stream);
    let held = header.length;
    for (const stream of reader.sites.get(site) ?? []) held += reader.sizes.get(stream) ?? 0;
    if (held > MOST_BYTES_OF_SITE) throw new Problem("site.streams", { limit: MOST_BYTES_OF_SITE });
    reader.sizes.set(payload.stream, header.length);
    reader.read += header.length;
  }
  return reader.core.call(op, payload, header);
}

/** @param {string} stream */
export function closeSong(stream) {
  const known = open.get(stream);
  if (!known) return;
  const { reader, site } = known;
  open.delete(stream);
  closed.add(stream);
  if (closed.size > MOST_CLOSED)
    for (const oldest of closed) {
      closed.delete(oldest);
      break;
    }
  reader.sizes.delete(stream);
  const streams = reader.sites.get(site);
  streams?.delete(stream);
  if (streams?.size === 0) reader.sites.delete(site);
  if (reader.sites.size > 0) return void reader.core.call("stream.close", { stream }).catch(() => undefined);
  if (spare || reader.read > LITTLE) return drop(reader);
  reader.core.call("stream.close", { stream }).catch(() => undefined);
  keep(reader);
}

/** @param {string} site @returns {Reader} */
function readerFor(site) {
  for (const reader of readers) if (reader.sites.has(site)) return reader;
  if (spare) {
    const found = spare;
    spare = null;
    clearTimeout(timer);
    return found;
  }
  if (readers.size >= MOST_CORES) return [...readers].reduce((a, b) => (b.sizes.size < a.sizes.size ? b : a));
  return begin();
}

function begin() {
  /** @type {Reader} */
  const reader = { core: new Core(), sites: new Map(), sizes: new Map(), read: 0 };
  readers.add(reader);
  return reader;
}

/** For the next site. @param {Reader} reader */
function keep(reader) {
  spare = reader;
  timer = setTimeout(() => drop(reader), KEPT_MS);
}

/** @param {Reader} reader */
function drop(reader) {
  if (spare === reader) {
    spare = null;
    clearTimeout(timer);
  }
  readers.delete(reader);
  reader.core.end();
}
