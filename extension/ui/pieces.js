/**
 * Elements that several pages share.
 */

import { exact, shares, show, wei } from "./amounts.js";
import { fill, h, press, set, write } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { t } from "./text.js";

/**
 * An amount in tabular figures; its tooltip has every decimal.
 * @param {string | bigint | null | undefined} value wei
 * @param {string} [sign] "+" for an amount received
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
 * @param {string} [words] instead of the text of the state
 * @returns {HTMLElement}
 */
export function moneyState(state, words) {
  const [kind, shape, key] = STATES[/** @type {MoneyState} */ (state)] ?? STATES.pending;
  return h("span", { class: `state ${kind}` }, icon(shape), words ?? t(key));
}

/**
 * Makes a button copy text, and confirm it. Where the browser refuses, the text is selected.
 * @param {HTMLButtonElement} button
 * @param {() => string} text
 * @param {HTMLElement} [shown] that contains the text
 * @returns {HTMLButtonElement}
 */
export function copyOnPress(button, text, shown) {
  const content = [...button.childNodes].map((node) => node.cloneNode(true));
  const label = button.getAttribute("aria-label");
  const isIcon = button.classList.contains("icon");
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
      // The deprecated command works in a frame without the clipboard permission.
      if (!document.execCommand("copy")) return;
    }
    clearTimeout(timer);
    if (isIcon) {
      fill(button, icon("check", "m"));
      set(button, { "aria-label": t("copied"), title: t("copied") });
    } else fill(button, icon("check"), t("copied"));
    timer = setTimeout(() => {
      fill(
        button,
        content.map((node) => node.cloneNode(true)),
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
    copyOnPress(iconButton("copy", t("copyCommand"), "small", "m"), () => text, code),
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
    copyOnPress(iconButton("copy", t("copyCode"), "small", "m"), () => code, text),
  );
}

/** @typedef {{kind: "band" | "fan" | "platform", name: string, wei: bigint}} Share */

/**
 * A bar of the payees' shares, with the amounts below.
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
 * A sentence with its first amount of four decimals emphasised.
 * @param {string} sentence
 * @param {string | bigint | null} [value] the exact amount, for the tooltip
 * @returns {(Node | string)[]}
 */
export function emphasise(sentence, value = null) {
  const match = /\d[\d,]*\.\d{4}/.exec(sentence);
  if (!match) return [sentence];
  const strong = h("b", { class: "num", title: value === null ? null : exact(wei(value)) }, match[0]);
  return [sentence.slice(0, match.index), strong, sentence.slice(match.index + match[0].length)];
}

/**
 * A field with its label, hint and error, which screen readers announce.
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
    const toggle = iconButton("eye", t("show"), "small");
    press(toggle, () => {
      const hidden = input.getAttribute("type") === "password";
      input.setAttribute("type", hidden ? "text" : "password");
      set(toggle, { "aria-label": t(hidden ? "hide" : "show"), title: t(hidden ? "hide" : "show") });
      fill(toggle, icon(hidden ? "hidden" : "eye"));
    });
    box.append(toggle);
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
