/**
 * Replaces a pending transfer: the same nonce for a higher fee, to speed it up or to cancel it.
 */

import { exact } from "../ui/amounts.js";
import { fill, h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { problemTexts, t } from "../ui/text.js";
import { form } from "./form.js";
import { backBar, middle } from "./frame.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("../shared/wallet_transfers.d.ts").ReplacementQuote} Quote */

/**
 * @param {App} app
 * @param {"faster" | "cancel"} kind
 * @returns {Node[]}
 */
export function replace(app, kind) {
  const main = middle(h("p", { class: "dim", role: "status" }, t("sendChecking")));
  app.request("wallet.replace", { transaction: app.model.item?.transaction ?? "", how: kind }).then(
    (quote) => confirm(app, main, kind, quote),
    (error) => {
      const { code, cause, fix } = problemTexts(error);
      fill(
        main,
        h(
          "div",
          { class: "note stop", role: "alert" },
          icon("refused"),
          h("span", { class: "grow" }, h("b", null, cause), " ", fix, " ", h("code", { class: "xs" }, code)),
        ),
      );
    },
  );
  return [backBar(app, t(kind === "cancel" ? "replaceCancel" : "replaceFaster"), "activity"), main];
}

/** @param {App} app @param {HTMLElement} main @param {"faster" | "cancel"} kind @param {Quote} quote */
function confirm(app, main, kind, quote) {
  const { node } = form(
    {
      fields: [],
      submit: t(kind === "cancel" ? "replaceCancelNow" : "replaceFasterNow"),
      busy: t("sendSending"),
      key: "confirm",
    },
    async () => {
      await app.request("wallet.send", { quote: quote.quote });
      await app.refresh();
      app.go("activity", null, t("replaceUnderWay"));
    },
  );
  /** @type {[string, string][]} */
  const rows = [
    [t("sendAmount"), plain(quote.cancels ? "0" : quote.amount_wei)],
    [t("replaceBefore"), `${plain(quote.before_wei)} ${t("coin")}`],
    [t("sendFeeMost"), `${plain(quote.most_wei)} ${t("coin")}`],
    [t("chainName"), String(quote.chain_id)],
  ];
  fill(
    main,
    h(
      "div",
      { class: "note" },
      icon("info"),
      h("span", null, t(kind === "cancel" ? "replaceCancelNote" : "replaceFasterNote")),
    ),
    h(
      "section",
      { class: "card" },
      h(
        "dl",
        { class: "sums" },
        rows.map(([name, value]) => [h("dt", null, name), h("dd", null, h("span", { class: "num" }, value))]).flat(),
      ),
    ),
    node,
  );
  main.focus();
}

/** @param {string} value wei */
const plain = (value) => exact(value).replace(" GoMAA", "");
