/**
 * The screens without an open wallet: none exists, or it is locked.
 */

import { h, press } from "../ui/dom.js";
import { icon, mark } from "../ui/icons.js";
import { field } from "../ui/pieces.js";
import { problemTexts, t } from "../ui/text.js";

/** @typedef {import("./app.js").App} App */

/** Opens the onboarding page. @param {string} hash the step */
function onboarding(hash) {
  chrome.tabs.create({ url: chrome.runtime.getURL(`onboarding/onboarding.html${hash}`) });
  window.close();
}

/**
 * The screen without a wallet.
 * @param {App} _app
 * @returns {Node[]}
 */
export function welcome(_app) {
  return [
    h(
      "main",
      null,
      h(
        "div",
        { class: "stack centre" },
        mark(64),
        h("div", { class: "stack t" }, h("h1", null, t("welcomeTitle")), h("p", { class: "dim" }, t("welcomeLead"))),
      ),
      h(
        "div",
        { class: "stack t" },
        press(h("button", { type: "button", class: "btn primary wide" }, t("createWallet")), () =>
          onboarding("#create"),
        ),
        press(h("button", { type: "button", class: "btn wide" }, t("restoreWallet")), () => onboarding("#restore")),
      ),
      h("div", { class: "note" }, icon("music"), h("span", null, t("welcomeNote"))),
    ),
  ];
}

/**
 * The screen of a locked wallet.
 * @param {App} app
 * @returns {Node[]}
 */
export function locked(app) {
  const password = field({ id: "password", label: t("password"), type: "password", autocomplete: "current-password" });
  const submit = h("button", { type: "submit", class: "btn primary wide" }, t("unlock"));
  const form = h("form", { class: "stack t" }, password.node, submit);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!event.isTrusted || submit.disabled) return;
    submit.disabled = true;
    submit.textContent = t("unlocking");
    try {
      await app.request("wallet.unlock", { password: password.input.value });
      password.input.value = "";
      await app.refresh();
    } catch (error) {
      const { cause, fix } = problemTexts(/** @type {{code?: string}} */ (error));
      password.fail(`${cause} ${fix}`.trim());
      password.input.select();
    }
    submit.disabled = false;
    submit.textContent = t("unlock");
  });
  const minutes = Math.round((app.model.status?.auto_lock_s ?? 0) / 60);
  return [
    h(
      "main",
      null,
      h(
        "div",
        { class: "stack centre" },
        mark(64),
        h(
          "div",
          { class: "stack t" },
          h("h1", null, t("lockedTitle")),
          h("p", { class: "dim" }, minutes > 0 ? t("lockedAfter", minutes) : t("lockedLead")),
        ),
      ),
      form,
      h("div", { class: "note good" }, icon("music"), h("span", null, t("lockedNote"))),
      h(
        "details",
        { class: "s" },
        h("summary", null, t("forgotPassword")),
        h(
          "div",
          { class: "stack t" },
          h("p", { class: "dim" }, t("forgotPasswordMeans")),
          press(h("button", { type: "button", class: "link" }, t("restoreLink")), () => onboarding("#restore")),
        ),
      ),
    ),
  ];
}
