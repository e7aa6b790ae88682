/* global delay, once, soundStart, newPlayer, measurements -- of measure.js */
// Starts of an <sps-player> and of the peers: until the element says that it plays, and until its clock has left 0.
"use strict";

/** Time that a player is ready before the play of `prepared`. */
const PREPARED_MS = 800;

/**
 * Acts, calls `play()` and measures.
 * @returns {Promise<[number, number]>} ms until the event; ms until the clock began to move, and not before the event
 */
async function start({ element }, act = () => undefined) {
  const playing = once(element, "playing");
  // A failure of what is awaited first is the one that is reported.
  playing.catch(() => undefined);
  const begin = performance.now();
  await act();
  element.play().catch(() => undefined);
  const at = await playing;
  return [at - begin, (await soundStart(element, 0, at)) - begin];
}

/** A first start on this page, and one more of a new player; the library is loaded before. */
measurements.first = async (kind) => {
  const out = [];
  for (let i = 0; i < 2; i++) {
    const player = newPlayer(kind);
    await player.library();
    out.push(await start(player, () => player.load()));
    await player.destroy();
  }
  return out;
};

/** A play of a player that has been ready for a moment. */
measurements.prepared = async (kind) => {
  const player = newPlayer(kind);
  await player.library();
  const ready = once(player.element, "canplay");
  await player.load();
  await ready;
  await delay(PREPARED_MS);
  const out = [await start(player)];
  await player.destroy();
  return out;
};
