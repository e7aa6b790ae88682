/**
 * The page "choose": a new wallet, an existing one, or none.
 */

import { h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { t } from "../ui/text.js";

/**
 * @param {import("./app.js").App} app
 * @returns {HTMLElement}
 */
export function choose(app) {
  const card = (/** @type {string} */ shape, /** @type {string} */ name, /** @type {() => void} */ action) =>
    press(
      h(
        "button",
        { type: "button", class: "card" },
        icon(shape),
        h("b", null, t(`choose_${name}`)),
        h("span", null, t(`choose_${name}Lead`)),
      ),
      action,
    );
  return h(
    "div",
    null,
    h("div", null, h("h1", null, t("chooseTitle")), h("p", { class: "lead" }, t("chooseLead"))),
    h(
      "div",
      { class: "choice" },
      card("coin", "create", () => app.go("words")),
      card("again", "restore", () => app.go("restore")),
    ),
    h(
      "div",
      { class: "row between" },
      press(h("button", { type: "button", class: "btn quiet flush" }, t("withoutWallet")), () => app.go("computer")),
      h("span", { class: "s faint" }, t("withoutWalletLead")),
    ),
  );
}
