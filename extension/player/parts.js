/**
 * Parts that the player's views share.
 */

import { artwork } from "../ui/artwork.js";
import { fill, h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { sentences, t } from "../ui/text.js";
import { tone } from "./model.js";

/** @typedef {import("./model.js").Model} Model */

/**
 * What the views may do.
 * @typedef {{send: (type: string, fields?: object) => void, toggleTerms: () => void, termsOpen: () => boolean, open: ()
 *   => void,
 *   openOnboarding: () => void, openNetwork: (origin: string) => void, seekTo: (ms: number) => void, say: (text:
 * string) => void,
 *   speed: (value: number) => void, turn: (by: number) => void}} Actions
 * @typedef {{nodes: Node[], update: (model: Model) => void, tick?: (nowMs: number) => void}} View
 */

/**
 * @param {import("./model.js").Terms | null} terms
 * @param {string} third the third line
 * @param {HTMLElement | null} [go] at the right
 */
export function head(terms, third, go = null) {
  return h(
    "div",
    { class: "head" },
    artwork(terms?.content),
    h(
      "div",
      { class: "stack hair" },
      h("h1", { class: "title" }, terms?.title || t("aSong")),
      terms?.artist ? h("p", { class: "dim" }, terms.artist) : null,
      third ? h("p", { class: "s faint num" }, third) : null,
    ),
    go ? h("div", { class: "go" }, go) : null,
  );
}

/**
 * The link that opens all terms.
 * @param {Actions} actions
 * @param {string} label
 */
export function termsLink(actions, label) {
  return press(
    h(
      "button",
      {
        type: "button",
        class: "link",
        "aria-expanded": String(actions.termsOpen()),
        "aria-controls": "terms",
        title: "T",
      },
      label,
    ),
    () => actions.toggleTerms(),
  );
}

/**
 * @param {string} shape
 * @param {string} words
 * @param {string} [kind]
 */
export function footNote(shape, words, kind = "") {
  return h("span", { class: `num ${kind}`.trim() }, icon(shape, "m"), words);
}

/**
 * A refusal that does not stop the music, such as a seek too many.
 * @param {HTMLElement} place
 * @param {import("./model.js").Problem | null} problem
 */
export function showBeside(place, problem) {
  const key = problem ? JSON.stringify(problem) : "";
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.hidden = !problem;
  if (!problem) return fill(place);
  const { code, cause, fix } = sentences(problem);
  place.classList.toggle("dial", tone(code) === "dial");
  place.classList.toggle("stop", tone(code) !== "dial");
  fill(
    place,
    icon("refused"),
    h("span", { class: "grow" }, h("b", null, cause), " ", fix, " ", h("code", { class: "xs" }, code)),
  );
}
