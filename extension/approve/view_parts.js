/**
 * Parts that the views of approvals share.
 */

import { exact } from "../ui/amounts.js";
import { h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { t } from "../ui/text.js";

/** @typedef {import("../shared/approval_messages.d.ts").ValueNode} Field */
/**
 * The view of an approval. `agree`: label of the button; `danger`: whether the button is not the primary one and is
 * enabled later; `account`: the chosen account.
 * @typedef {{title: string, agree: string, danger: boolean, nodes: (Node | null)[], account: () => string | null}} View
 */

/** `account` of a view without a choice. */
export const noAccount = () => null;

/** An amount without its unit. @param {string | bigint} value wei of the token or of the network's coin */
export const plain = (value) => exact(value).replace(" GoMAA", "");

/** A note with an icon. @param {string} kind a class @param {string} text @param {string} [key] */
export const note = (kind, text, key = "") =>
  h(
    "div",
    { class: `note ${kind}`.trim(), ...(key ? { "data-key": key } : {}) },
    icon(kind === "stop" ? "refused" : "info"),
    h("span", null, text),
  );

/** Names and values in two columns. @param {[string, Node | string][]} rows */
export const sums = (rows) =>
  h("dl", { class: "sums" }, rows.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]).flat());

/** A value in a monospaced font. @param {string} text */
export const mono = (text) => h("code", { class: "value" }, text);

/** The account that signs. @param {string} account */
export const by = (account) => h("p", { class: "xs faint" }, t("approveBy"), " ", h("code", null, account));

/** Declared fields in their order. @param {Field[]} parts @returns {HTMLElement} */
export function fields(parts) {
  if (parts.length === 0) return h("p", { class: "xs faint" }, t("approveEmpty"));
  return h(
    "ul",
    { class: "fields" },
    parts.map(({ name, type, value, parts: inner }) =>
      h("li", null, h("b", null, name), h("span", { class: "kind" }, type), inner ? fields(inner) : mono(value ?? "")),
    ),
  );
}
