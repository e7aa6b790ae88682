/**
 * Parts that the player's views share.
 */

import { artwork } from "../ui/artwork.js";
import { fill, h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { problemTexts, t } from "../ui/text.js";
import { noteClass } from "./model.js";

/** @typedef {import("./view.js").Actions} Actions */

/**
 * Picture, title and artist.
 * @param {import("./model.js").Terms | null} terms
 * @param {string} third a third line
 * @param {HTMLElement | null} [go] a button at the right
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
 * A note of the footer.
 * @param {string} shape of its icon
 * @param {string} words
 * @param {string} [kind]
 */
export function footNote(shape, words, kind = "") {
  return h("span", { class: `num ${kind}`.trim() }, icon(shape, "m"), words);
}

/**
 * Shows or hides a refusal that does not stop playback, such as one of a seek.
 * @param {HTMLElement} note
 * @param {import("./model.js").Problem | null} problem
 */
export function showProblemNote(note, problem) {
  const key = problem ? JSON.stringify(problem) : "";
  if (note.dataset.key === key) return;
  note.dataset.key = key;
  note.hidden = !problem;
  if (!problem) return fill(note);
  const { code, cause, fix } = problemTexts(problem);
  note.classList.toggle("dial", noteClass(code) === "dial");
  note.classList.toggle("stop", noteClass(code) !== "dial");
  fill(
    note,
    icon("refused"),
    h("span", { class: "grow" }, h("b", null, cause), " ", fix, " ", h("code", { class: "xs" }, code)),
  );
}
