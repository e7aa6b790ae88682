/**
 * Keyboard shortcuts of the player. Uses no document.
 */

const SMALL_S = 5;
const STEP_S = 10;
const VOLUME_STEP = 0.05;
export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2];

/**
 * An action of a key; `to`: a position; `by`: a step.
 * @typedef {{kind: "terms"} | {kind: "toggle"} | {kind: "mute"} | {kind: "volume", by: number} | {kind: "to", ms:
 *   number} | {kind: "by", ms: number}
 *   | {kind: "rate", value: number} | {kind: "track", by: number}} Action
 */

/**
 * The action of a key.
 * @param {{key: string, shiftKey?: boolean}} pressed without control, alt and meta
 * @param {{isPlayback: boolean, duration: number, rate: number, onButton?: boolean, onField?: boolean,
 *   onSlider?: boolean}} context
 *   isPlayback: the playback view is shown; onButton, onField, onSlider: the element with the focus
 * @returns {Action | null} null for a key without an action
 */
export function actionOf(
  { key, shiftKey = false },
  { isPlayback, duration, rate, onButton = false, onField = false, onSlider = false },
) {
  const letter = key.length === 1 ? key.toLowerCase() : key;
  if (letter === "t") return { kind: "terms" };
  if (onField) return null;
  if (letter === "k" || (key === " " && !onButton)) return { kind: "toggle" };
  if (!isPlayback) return null;
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
      return { kind: "volume", by: VOLUME_STEP };
    case "ArrowDown":
      return { kind: "volume", by: -VOLUME_STEP };
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
