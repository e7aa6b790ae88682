/**
 * Small pieces that several pages share.
 */

import { exact, shares, show, wei } from "./amounts.js";
import { fill, h, press, set, write } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { t } from "./text.js";

/**
 * An amount in tabular figures; hovering tells it exactly.
 * @param {string | bigint | null | undefined} value wei
 * @param {string} [sign] "+" for what came in
 * @param {"b" | "span"} [tag]
 * @returns {HTMLElement}
 */
export function amount(value, sign = "", tag = "b") {
  return h(tag, { class: "num", title: exact(value) }, `${sign}${show(value)}`);
}

/** @typedef {"pending" | "claimable" | "claimed" | "refused"} MoneyState */

/** @type {Record<MoneyState, [string, string, string]>} */
const STATES = {
  pending: ["pending", "pending", "statePending"],
  claimable: ["pending", "coin", "stateClaimable"],
  claimed: ["settled", "settled", "stateClaimed"],
  refused: ["refused", "refused", "stateRefused"],
};

/**
 * The word, shape and colour of a money state.
 * @param {string} state
 * @param {string} [words] instead of the state's own
 * @returns {HTMLElement}
 */
export function moneyState(state, words) {
  const [kind, shape, key] = STATES[/** @type {MoneyState} */ (state)] ?? STATES.pending;
  return h("span", { class: `state ${kind}` }, icon(shape), words ?? t(key));
}

/**
 * Copies text and says so; where the browser refuses, the text is selected for a person to copy.
 * @param {HTMLButtonElement} button
 * @param {() => string} text
 * @param {HTMLElement} [shown] where the text stands
 * @returns {HTMLButtonElement}
 */
export function copies(button, text, shown) {
  const rest = [...button.childNodes].map((node) => node.cloneNode(true));
  const label = button.getAttribute("aria-label");
  const small = button.classList.contains("icon");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return press(button, async () => {
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      if (!shown) return;
      const range = document.createRange();
      range.selectNodeContents(shown);
      getSelection()?.removeAllRanges();
      getSelection()?.addRange(range);
      // The old command still works in a frame that the page gave no clipboard permission.
      if (!document.execCommand("copy")) return;
    }
    clearTimeout(timer);
    if (small) {
      fill(button, icon("check", "m"));
      set(button, { "aria-label": t("copied"), title: t("copied") });
    } else fill(button, icon("check"), t("copied"));
    timer = setTimeout(() => {
      fill(
        button,
        rest.map((node) => node.cloneNode(true)),
      );
      if (label) set(button, { "aria-label": label, title: label });
    }, 1600);
  });
}

/**
 * A command to run in a terminal, with a button that copies it.
 * @param {string} text
 * @returns {HTMLElement}
 */
export function command(text) {
  const code = h("code", null, text);
  return h(
    "div",
    { class: "cmd" },
    code,
    copies(iconButton("copy", t("copyCommand"), "small", "m"), () => text, code),
  );
}

/**
 * A code with a button that copies it.
 * @param {string} code
 * @returns {HTMLElement}
 */
export function codeChip(code) {
  const text = h("code", null, code);
  return h(
    "span",
    { class: "code" },
    h("span", { class: "xs" }, t("code")),
    text,
    copies(iconButton("copy", t("copyCode"), "small", "m"), () => code, text),
  );
}

/** @typedef {{kind: "band" | "fan" | "platform", name: string, wei: bigint}} Share */

/**
 * The bar of who is paid, with the amounts in words below.
 * @param {Share[]} parts
 * @returns {HTMLElement}
 */
export function split(parts) {
  const paid = parts.filter((part) => part.wei > 0n);
  const widths = shares(paid.map((part) => part.wei));
  const bar = h(
    "div",
    { class: "bar", "aria-hidden": "true" },
    paid.map((part, i) => {
      const piece = h("i", { class: part.kind });
      piece.style.flexGrow = String(widths[i]);
      return piece;
    }),
  );
  return h(
    "div",
    { class: "split" },
    bar,
    h(
      "ul",
      null,
      paid.map((part) => h("li", { class: part.kind }, part.name, " ", amount(part.wei))),
    ),
  );
}

/**
 * A sentence in which the first amount of four decimals is set in strong figures.
 * @param {string} sentence
 * @param {string | bigint | null} [value] the exact amount, for hovering
 * @returns {(Node | string)[]}
 */
export function emphasise(sentence, value = null) {
  const match = /\d[\d,]*\.\d{4}/.exec(sentence);
  if (!match) return [sentence];
  const strong = h("b", { class: "num", title: value === null ? null : exact(wei(value)) }, match[0]);
  return [sentence.slice(0, match.index), strong, sentence.slice(match.index + match[0].length)];
}

/**
 * A field with its label, hint and error; the error is spoken.
 * @param {{id: string, label: string, type?: string, autocomplete?: string, hint?: string, area?: boolean}} options
 */
export function field({ id, label, type = "text", autocomplete = "off", hint = "", area = false }) {
  const attributes = {
    id,
    name: id,
    autocomplete,
    spellcheck: "false",
    autocapitalize: "none",
    "aria-describedby": `${id}-note`,
  };
  const input = area ? h("textarea", { ...attributes, rows: 3 }) : h("input", { ...attributes, type });
  const note = h("p", { class: "hint", id: `${id}-note`, role: "status" }, hint);
  const box = h("div", { class: "input" }, input);
  if (type === "password") {
    const show_ = iconButton("eye", t("show"), "small");
    press(show_, () => {
      const hidden = input.getAttribute("type") === "password";
      input.setAttribute("type", hidden ? "text" : "password");
      set(show_, { "aria-label": t(hidden ? "hide" : "show"), title: t(hidden ? "hide" : "show") });
      fill(show_, icon(hidden ? "hidden" : "eye"));
    });
    box.append(show_);
  }
  const node = h("div", { class: "field" }, h("label", { for: id }, label), box, note);
  return {
    node,
    input,
    /** @param {string} text */
    fail(text) {
      node.classList.toggle("bad", text !== "");
      set(input, { "aria-invalid": text === "" ? null : "true" });
      write(note, text || hint);
    },
    /** @param {string} text @param {string} [kind] */
    say(text, kind = "") {
      node.classList.remove("bad");
      set(input, { "aria-invalid": null });
      note.className = `hint ${kind}`.trim();
      write(note, text || hint);
    },
  };
}
