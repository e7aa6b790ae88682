/**
 * The waveform as a seek bar. A drag is one seek, sent at its end: the terms count seeks.
 *
 * The bars are drawn once for a width: a layer of the remaining part, and above it one of the heard part. The position
 * moves the layers by `transform`, which paints nothing.
 */

import { h, s, set } from "../ui/dom.js";
import { loved, peaks } from "./model.js";

const HEIGHT = 56;
const STEP = 5;
const BAR = 3;
/** Width of the playhead. */
const HEAD = 2;

/**
 * Creates the bar.
 * @param {{waveform?: string | null, label: string, seek: (ms: number) => void, prepare: (ms: number) => void,
 *   text: (ms: number) => string}} options `prepare`: the pointer is down, and its release would seek
 */
export function wave({ waveform, label, seek, prepare, text }) {
  const playedPart = s("g", { class: "h" });
  const remainingPart = s("g", { class: "u" });
  const ghost = s("line", { class: "ghost", y1: 2, y2: HEIGHT, visibility: "hidden" });
  const pictures = [s("svg", { class: "wave" }, remainingPart), s("svg", { class: "wave" }, playedPart)];
  const over = s("svg", { class: "wave over" }, ghost);
  // The clip moves over the heard part, whose picture moves against it and so stands still.
  const still = h("div", { class: "layer" }, pictures[1]);
  const reveal = h("div", { class: "layer reveal" }, still);
  const playhead = h("i", { class: "playhead" });
  const picture = h("div", { class: "waves", "aria-hidden": "true" }, pictures[0], reveal, playhead, over);
  const node = h(
    "div",
    { class: "seek", role: "slider", tabindex: 0, "aria-label": label, "aria-valuemin": 0 },
    picture,
  );

  let width = 0;
  /** @type {number[] | null} */
  let passages = null;
  let duration = 0;
  let position = 0;
  let enabled = true;
  /** @type {number | null} */
  let dragging = null;

  const update = () => {
    const x = duration > 0 ? Math.round((position / duration) * width * 100) / 100 : 0;
    reveal.style.transform = `translateX(${x - width}px)`;
    still.style.transform = `translateX(${width - x}px)`;
    playhead.style.transform = `translateX(${x - HEAD / 2}px)`;
  };
  const draw = () => {
    width = Math.max(0, node.clientWidth);
    for (const svg of [...pictures, over])
      set(svg, { viewBox: `0 0 ${Math.max(1, width)} ${HEIGHT}`, preserveAspectRatio: "none" });
    const bars = Math.floor(width / STEP);
    const heights = peaks(waveform, bars);
    const most = loved(passages, bars);
    for (const group of [playedPart, remainingPart]) {
      group.replaceChildren(
        ...(heights
          ? heights.map((peak, i) => bar(i * STEP + 1, peak, most.has(i)))
          : [s("rect", { x: 0, y: HEIGHT / 2 - 3, width, height: 6, rx: 3 })]),
      );
    }
    update();
  };
  new ResizeObserver(draw).observe(node);

  const msAt = (/** @type {PointerEvent} */ event) => {
    const box = node.getBoundingClientRect();
    return Math.round(Math.min(1, Math.max(0, (event.clientX - box.left) / Math.max(1, box.width))) * duration);
  };
  const show = (/** @type {number | null} */ ms) => {
    const x = ms === null || duration <= 0 ? 0 : (ms / duration) * width;
    set(ghost, { visibility: ms === null ? "hidden" : "visible", x1: x, x2: x });
  };
  node.addEventListener("pointerdown", (event) => {
    if (!event.isTrusted || !enabled || event.button !== 0 || duration <= 0) return;
    node.setPointerCapture(event.pointerId);
    dragging = msAt(event);
    prepare(dragging);
    show(dragging);
  });
  node.addEventListener("pointermove", (event) => {
    if (enabled && duration > 0 && (dragging !== null || event.pointerType === "mouse")) {
      if (dragging !== null) dragging = msAt(event);
      node.title = text(msAt(event));
      show(msAt(event));
    }
  });
  node.addEventListener("pointerup", (event) => {
    if (dragging === null || !event.isTrusted) return;
    seek(msAt(event));
    dragging = null;
    show(null);
  });
  for (const name of ["pointercancel", "pointerleave"]) {
    node.addEventListener(name, () => {
      if (name === "pointerleave" && dragging !== null) return;
      dragging = null;
      show(null);
    });
  }

  return {
    node,
    /** @param {number[] | null} listeners of each passage */
    setPassages(listeners) {
      if (listeners === passages) return;
      passages = listeners;
      draw();
    },
    /**
     * @param {number} positionMs
     * @param {number} durationMs
     * @param {boolean} isSeekable
     * @param {string} positionText for screen readers
     */
    set(positionMs, durationMs, isSeekable, positionText) {
      position = positionMs;
      duration = durationMs;
      enabled = isSeekable;
      update();
      set(node, {
        "aria-valuemax": Math.round(durationMs / 1000),
        "aria-valuenow": Math.round(positionMs / 1000),
        "aria-valuetext": positionText,
        "aria-disabled": isSeekable ? null : "true",
      });
    },
  };
}

/**
 * A bar of the waveform.
 * @param {number} x
 * @param {number} peak 0…1
 * @param {boolean} isLoved
 */
function bar(x, peak, isLoved) {
  const height = Math.max(3, peak * (HEIGHT - 6));
  const look = isLoved ? { class: "loved" } : {};
  return s("rect", { x, y: (HEIGHT - height) / 2, width: BAR, height, rx: BAR / 2, ...look });
}
