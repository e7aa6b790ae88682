/**
 * The screens "password" and "words".
 */

import { fill, h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { field } from "../ui/pieces.js";
import { SHORTEST, strength } from "../ui/password_strength.js";
import { problemTexts, t } from "../ui/text.js";
import { form } from "./form.js";
import { backBar, middle } from "./frame.js";

/** @typedef {import("./app.js").App} App */

/** Time for which the words are shown. */
const WORDS_MS = 60_000;

/**
 * @param {App} app
 * @returns {Node[]}
 */
export function password(app) {
  const old = field({ id: "password", label: t("oldPassword"), type: "password", autocomplete: "current-password" });
  const first = field({
    id: "new-password",
    label: t("newPassword"),
    type: "password",
    autocomplete: "new-password",
    hint: t("passwordHint", SHORTEST),
  });
  const second = field({ id: "again", label: t("passwordAgain"), type: "password", autocomplete: "new-password" });
  first.input.addEventListener("input", () => {
    const word = strength(first.input.value);
    first.say(word === "empty" ? "" : t(`strength_${word}`), word);
  });
  const { node } = form(
    { fields: [old.node, first.node, second.node], submit: t("changePassword"), busy: t("sealing") },
    async () => {
      old.fail("");
      if ([...first.input.value].length < SHORTEST) return first.fail(t("cause_wallet_password_weak"));
      if (first.input.value !== second.input.value) return second.fail(t("passwordsDiffer"));
      try {
        await app.request("wallet.password", { password: old.input.value, fresh: first.input.value });
      } catch (error) {
        const { code, cause, fix } = problemTexts(/** @type {{code?: string}} */ (error));
        if (code !== "wallet.password") throw error;
        old.input.select();
        return old.fail(`${cause} ${fix}`);
      }
      old.input.value = first.input.value = second.input.value = "";
      app.say(t("passwordChanged"));
      app.go("settings", null, t("passwordChanged"));
    },
  );
  return [
    backBar(app, t("changePassword"), "settings"),
    middle(h("div", { class: "note" }, icon("info"), h("span", null, t("changePasswordNote"))), node),
  ];
}

/**
 * @param {App} app
 * @returns {Node[]}
 */
export function words(app) {
  const typed = field({ id: "password", label: t("password"), type: "password", autocomplete: "current-password" });
  const shown = middle();
  const { node } = form({ fields: [typed.node], submit: t("showWords"), busy: t("unlocking"), kind: "" }, async () => {
    try {
      const { mnemonic } = await app.request("wallet.words", { password: typed.input.value });
      typed.input.value = "";
      fill(shown, list(app, mnemonic));
      shown.focus();
    } catch (error) {
      const { code, cause, fix } = problemTexts(/** @type {{code?: string}} */ (error));
      if (code !== "wallet.password") throw error;
      typed.fail(`${cause} ${fix}`);
      typed.input.select();
    }
  });
  fill(
    shown,
    h(
      "div",
      { class: "note stop" },
      icon("hidden"),
      h("span", null, h("b", null, t("wordsWarning")), " ", t("wordsWarningWhy")),
    ),
    h(
      "ul",
      { class: "plain s dim" },
      h("li", null, t("wordsAlone")),
      h("li", null, t("wordsNobodyAsks")),
      h("li", null, t("wordsPaper")),
    ),
    node,
  );
  return [backBar(app, t("yourWords"), "settings"), shown];
}

/**
 * The recovery words. They are removed after a minute, and when the screen is left; the page has no other copy.
 * @param {App} app
 * @param {string} mnemonic
 */
function list(app, mnemonic) {
  const all = h(
    "ol",
    { class: "words two" },
    mnemonic.split(" ").map((word) => h("li", null, h("b", { class: "mono" }, word))),
  );
  const timer = setTimeout(() => all.isConnected && app.go("settings"), WORDS_MS);
  return h(
    "section",
    { class: "stack t" },
    h("p", { class: "s dim" }, t("wordsShownFor", WORDS_MS / 1000)),
    h("div", { class: "card" }, all),
    press(h("button", { type: "button", class: "btn primary wide", "data-key": "hide" }, t("hideWords")), () => {
      clearTimeout(timer);
      app.go("settings");
    }),
  );
}
