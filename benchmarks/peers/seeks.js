/* global delay, once, soundStart, newPlayer, measurements -- of measure.js */
// Seeks to positions that are not buffered, of an <sps-player> and of the peers: until the element says that it plays
// there, and until its clock has left the target.
"use strict";

/** Time that a player plays before each seek. */
const STEADY_MS = 500;
/** HTMLMediaElement.HAVE_FUTURE_DATA */
const FUTURE_DATA = 3;

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
 * @returns {Promise<[number, number] | null>} ms until the event; ms until the clock began to move, by later
 *   readings, and not before the event; null where the target was buffered
 */
async function seek(element, target) {
  await delay(STEADY_MS);
  const held = isBuffered(element, target);
  const event = arrived(element);
  const start = performance.now();
  element.currentTime = target;
  const at = await event;
  const sound = await soundStart(element, target, at);
  return held ? null : [at - start, sound - start];
}

/**
 * Plays a song of ours, or a peer, and seeks to each of some positions, seconds; those that were buffered are left out.
 */
measurements.seeks = async (kind, targets) => {
  const player = newPlayer(kind);
  await player.library();
  const playing = once(player.element, "playing");
  await player.load(true);
  player.element.play().catch(() => undefined);
  await playing;
  const out = [];
  for (const target of targets) out.push(await seek(player.element, target));
  await player.destroy();
  return out.filter(Boolean);
};
