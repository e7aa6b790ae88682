/* global Peer -- of peer.js */
// Seeks to positions that are not buffered, of an <sps-player> and of the peers: until the element says that it plays
// there, and until its clock has left the target.
"use strict";

/** Time that a player plays before each seek. */
const STEADY_MS = 500;
/** Readings of the clock after the event, and the time between two. */
const [READINGS, READING_MS] = [8, 50];
/** HTMLMediaElement.HAVE_FUTURE_DATA */
const FUTURE_DATA = 3;

const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves at the first of some events. @param {EventTarget} element @param {string} name @param {string} failure */
const once = (element, name, failure = "error") =>
  new Promise((resolve, reject) => {
    element.addEventListener(name, resolve, { once: true });
    element.addEventListener(failure, () => reject(new Error(`${failure}: ${element.error?.code}`)), { once: true });
  });

/** Resolves when the element says that it plays at the target of a seek. */
function arrived(element) {
  return new Promise((resolve) => {
    let isSeeked = false;
    let isPlaying = false;
    const check = (event) => {
      if (event.type === "seeked") isSeeked = true;
      else isPlaying = true;
      if (!isSeeked || !(isPlaying || element.readyState >= FUTURE_DATA)) return;
      for (const name of ["seeked", "playing"]) element.removeEventListener(name, check);
      resolve(performance.now());
    };
    for (const name of ["seeked", "playing"]) element.addEventListener(name, check);
  });
}

/** True if a time is buffered, or within a second of it. */
function isBuffered({ buffered }, seconds) {
  for (let i = 0; i < buffered.length; i++)
    if (seconds >= buffered.start(i) - 1 && seconds < buffered.end(i) + 1) return true;
  return false;
}

/**
 * Seeks and measures.
 * @returns {Promise<[number, number, number] | null>} ms until the event; ms until the clock began to move, by later
 *   readings, and not before the event; the system's time of the seek, ms; null where the target was buffered
 */
async function seek(element, target) {
  await delay(STEADY_MS);
  const held = isBuffered(element, target);
  const event = arrived(element);
  const start = performance.now();
  element.currentTime = target;
  const at = await event;
  let moved = Infinity;
  // A reading is as old as the element's last update of its clock: the earliest start is the right one.
  for (let i = 0; i < READINGS; i++) {
    await delay(READING_MS);
    moved = Math.min(moved, performance.now() - (element.currentTime - target) * 1000);
  }
  return held ? null : [at - start, Math.max(at, moved) - start, performance.timeOrigin + start];
}

async function ours(src) {
  const player = document.createElement("sps-player");
  const ready = once(player, "canplay");
  player.src = src;
  document.body.append(player);
  await ready;
  const playing = once(player, "playing");
  player.play();
  await playing;
  return { element: player, end: () => player.remove() };
}

async function theirs(kind) {
  const peer = new Peer(kind);
  await peer.library();
  await peer.load(true);
  const playing = once(peer.element, "playing");
  peer.element.play().catch(() => undefined);
  await playing;
  return { element: peer.element, end: () => peer.destroy() };
}

/**
 * Plays a song of ours, or a peer, and seeks.
 * @param {string} kind a peer, or the path of a song
 * @param {number[]} targets seconds
 */
async function measured(kind, targets) {
  const { element, end } = await (kind.startsWith("/") ? ours(kind) : theirs(kind));
  const out = [];
  for (const target of targets) out.push(await seek(element, target));
  await end();
  return out.filter(Boolean);
}

// The drivers of both browsers read the result from the document.
document.addEventListener("bench", ({ detail }) => {
  const [kind, targets] = JSON.parse(detail);
  measured(kind, targets).then(
    (seeks) => finish({ seeks }),
    (error) => finish({ error: String(error) }),
  );
});

/** @param {object} result */
function finish(result) {
  document.documentElement.dataset.result = JSON.stringify(result);
  document.dispatchEvent(new Event("bench-end"));
}
