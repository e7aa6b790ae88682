/**
 * What a key means in the player, decided without a document.
 */

const SMALL_S = 5;
const STEP_S = 10;
const LOUDER = 0.05;
export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2];

/**
 * @typedef {{kind: "terms"} | {kind: "toggle"} | {kind: "mute"} | {kind: "louder", by: number} | {kind: "to", ms:
 *   number} | {kind: "by", ms: number}
 *   | {kind: "rate", value: number} | {kind: "track", by: number}} Action
 */

/**
 * @param {{key: string, shiftKey?: boolean}} pressed no control, alt or meta key with it
 * @param {{music: boolean, position: number, duration: number, rate: number, onButton?: boolean, onField?: boolean,
 *   onSlider?: boolean}} where
 *   music: the song's controls are there; onButton, onField, onSlider: where the focus is
 * @returns {Action | null} null: the key is not the player's
 */
export function meaning(
  { key, shiftKey = false },
  { music, duration, rate, onButton = false, onField = false, onSlider = false },
) {
  const letter = key.length === 1 ? key.toLowerCase() : key;
  if (letter === "t") return { kind: "terms" };
  if (onField) return null;
  if (letter === "k" || (key === " " && !onButton)) return { kind: "toggle" };
  if (!music) return null;
  if (shiftKey && letter === "n") return { kind: "track", by: 1 };
  if (shiftKey && letter === "p") return { kind: "track", by: -1 };
  if (/^[0-9]$/.test(key)) return { kind: "to", ms: Math.round((duration * Number(key)) / 10) };
  switch (letter) {
    case "j":
      return { kind: "by", ms: -STEP_S * 1000 };
    case "l":
      return { kind: "by", ms: STEP_S * 1000 };
    case "ArrowLeft":
      return { kind: "by", ms: -(shiftKey ? SMALL_S : STEP_S) * 1000 };
    case "ArrowRight":
      return { kind: "by", ms: (shiftKey ? SMALL_S : STEP_S) * 1000 };
    case "ArrowUp":
      return { kind: "louder", by: LOUDER };
    case "ArrowDown":
      return { kind: "louder", by: -LOUDER };
    case "m":
      return { kind: "mute" };
    case "<":
      return { kind: "rate", value: RATES.findLast((value) => value < rate) ?? rate };
    case ">":
      return { kind: "rate", value: RATES.find((value) => value > rate) ?? rate };
    case "Home":
      return onSlider ? { kind: "to", ms: 0 } : null;
    case "End":
      return onSlider ? { kind: "to", ms: duration } : null;
    default:
      return null;
  }
}
