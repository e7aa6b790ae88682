/* global Peer -- of peer.js */
/* exported delay, once, soundStart, newPlayer, measurements */
// Parts of the measurements of seeks and of starts: an <sps-player> with the interface of a peer, the start of an
// element's clock, and the exchange with the driver. Events and timers end each wait.
"use strict";

/** Readings of the clock after the event, and the time between two. */
const [READINGS, READING_MS] = [8, 50];
/** Time after which a measurement fails. */
const DEADLINE_MS = 120_000;

const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Resolves with the time of the first event of a name, by `performance.now()`.
 * @param {EventTarget} element @param {string} name
 * @returns {Promise<number>}
 */
const once = (element, name) =>
  new Promise((resolve, reject) => {
    element.addEventListener(name, () => resolve(performance.now()), { once: true });
    element.addEventListener("error", () => reject(new Error(`error: ${element.error?.code}`)), { once: true });
  });

/**
 * Reads the start of an element's clock, after the event that says that it plays.
 * @param {HTMLMediaElement} element
 * @param {number} from the clock before its start, seconds
 * @param {number} event time of the event, ms
 * @returns {Promise<number>} time of the clock's start, and not before the event, ms
 */
async function soundStart(element, from, event) {
  let moved = Infinity;
  // A reading is as old as the element's last update of its clock: the earliest start is the right one.
  for (let i = 0; i < READINGS; i++) {
    await delay(READING_MS);
    moved = Math.min(moved, performance.now() - (element.currentTime - from) * 1000);
  }
  return Math.max(event, moved);
}

/** An `<sps-player>` with the interface of `Peer`. */
class Ours {
  constructor(src) {
    this.src = src;
    this.element = document.createElement("sps-player");
  }

  async library() {}

  async load() {
    this.element.src = this.src;
    document.body.append(this.element);
  }

  async destroy() {
    const paused = once(this.element, "pause");
    this.element.pause();
    await paused;
    this.element.remove();
  }
}

/** A player that is not loaded. @param {string} kind a peer, or the path of a song of ours */
const newPlayer = (kind) => (kind.startsWith("/") ? new Ours(kind) : new Peer(kind));

/** Measurements by name; each takes a kind and an argument, and returns what the driver reads. */
const measurements = {};

// The drivers of both browsers read the result from the document.
document.addEventListener("bench", ({ detail }) => {
  const [name, kind, argument] = JSON.parse(detail);
  const late = delay(DEADLINE_MS).then(() => Promise.reject(new Error(`no sound in ${DEADLINE_MS} ms`)));
  Promise.race([measurements[name](kind, argument), late]).then(
    (result) => finish({ result }),
    (error) => finish({ error: String(error) }),
  );
});

/** @param {object} outcome */
function finish(outcome) {
  document.documentElement.dataset.result = JSON.stringify(outcome);
  document.dispatchEvent(new Event("bench-end"));
}
