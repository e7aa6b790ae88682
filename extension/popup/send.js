/**
 * Send: recipient and amount, then a confirmation with all effects on one screen.
 */

import { exact, show } from "../ui/amounts.js";
import { fill, h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { field } from "../ui/pieces.js";
import { problemTexts, t } from "../ui/text.js";
import { amountError, form } from "./form.js";
import { address, backBar, middle } from "./frame.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("../shared/wallet_transfers.d.ts").TransferQuote} Quote */

/**
 * @param {App} app
 * @returns {Node[]}
 */
export function send(app) {
  const account = app.model.summary?.account_wei ?? null;
  const hidden = app.model.summary?.private_wei ?? "0";
  const from = h(
    "select",
    { class: "select", "aria-label": t("sendFrom"), "data-key": "from" },
    h("option", { value: "account" }, t("sendFromAccount", account === null ? "–" : show(account))),
    h("option", { value: "private" }, t("sendFromPrivate", show(hidden))),
  );
  // The private addresses are the default where the account is empty.
  if (BigInt(hidden) > 0n && (account === null || BigInt(account) === 0n)) from.value = "private";
  const available = () => (from.value === "private" ? hidden : account);
  const to = field({ id: "to", label: t("sendTo"), hint: t("sendToHint"), area: true });
  to.input.setAttribute("rows", "2");
  const sum = field({
    id: "amount",
    label: t("sendAmount"),
    hint: available() === null ? "" : t("sendHave", show(available())),
  });
  sum.input.setAttribute("inputmode", "decimal");
  from.addEventListener("change", () => sum.say(available() === null ? "" : t("sendHave", show(available()))));
  const all = press(h("button", { type: "button", class: "btn small", "data-key": "all-of-it" }, t("sendAll")), () => {
    sum.input.value = plain(available());
  });
  if (available()) sum.node.querySelector(".input")?.append(all);
  const names = h(
    "select",
    { class: "select", "aria-label": t("addressBook"), "data-key": "names" },
    h("option", { value: "" }, t("addressBook")),
  );
  names.addEventListener("change", () => {
    if (names.value) to.input.value = names.value;
  });
  void app.request("wallet.contacts").then(
    ({ contacts = [] }) => {
      for (const contact of contacts) names.append(h("option", { value: contact.address }, contact.name));
      if (contacts.length) to.node.append(names);
    },
    () => {},
  );
  const main = middle();
  const { node } = form(
    { fields: [to.node, ...(BigInt(hidden) > 0n ? [from] : []), sum.node], submit: t("goOn"), busy: t("sendChecking") },
    async () => {
      to.fail("");
      sum.fail("");
      try {
        const quote = await app.request("wallet.quote", {
          to: to.input.value.trim(),
          amount: sum.input.value,
          from: from.value,
        });
        confirm(app, main, quote);
      } catch (error) {
        const { code, cause, fix } = problemTexts(/** @type {{code?: string}} */ (error));
        const amountText = amountError(error, t("sendAmountWrong"));
        const invalidField = code === "wallet.recipient" ? to : amountText ? sum : null;
        if (!invalidField) throw error;
        invalidField.fail(amountText ?? `${cause}. ${fix}`);
        invalidField.input.focus();
      }
    },
  );
  fill(main, node, h("div", { class: "note" }, icon("info"), h("span", null, t("sendNote"))));
  return [backBar(app, t("send"), "home"), main];
}

/**
 * The confirmation, before anything is signed.
 * @param {App} app
 * @param {HTMLElement} main
 * @param {Quote} quote
 */
function confirm(app, main, quote) {
  const { node } = form(
    { fields: [], submit: t("sendNow", plain(quote.amount_wei)), busy: t("sendSending"), key: "confirm" },
    async () => {
      await app.request("wallet.send", { quote: quote.quote });
      await app.refreshAmounts();
      app.go("activity", null, t("sendUnderWay"));
    },
  );
  /** @type {[string, Node | string][]} */
  const rows = [
    // Every decimal: the person confirms exactly the amount that is signed.
    [t("sendAmount"), h("b", { class: "num" }, plain(quote.amount_wei))],
    [
      t("sendFee"),
      h("span", { class: "num" }, quote.addresses ? t("sendByServer") : `${plain(quote.fee_wei)} ${t("coin")}`),
    ],
    ...(quote.addresses
      ? []
      : [
          /** @type {[string, Node]} */ ([
            t("sendFeeMost"),
            h("span", { class: "num" }, `${plain(quote.most_wei)} ${t("coin")}`),
          ]),
        ]),
    [t("sendLeft"), h("span", { class: "num" }, plain(quote.left_wei))],
    [t("chainName"), h("span", { class: "num" }, String(quote.chain_id))],
  ];
  fill(
    main,
    h(
      "section",
      { class: "card stack t" },
      h("p", { class: "s dim" }, t("sendTo")),
      quote.name ? h("b", null, quote.name) : null,
      address(quote.checksum),
    ),
    quote.first && !quote.own ? h("div", { class: "note dial" }, icon("info"), h("span", null, t("sendFirst"))) : null,
    h(
      "section",
      { class: "card" },
      h("dl", { class: "sums" }, rows.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]).flat()),
    ),
    quote.addresses > 1
      ? h("div", { class: "note dial" }, icon("info"), h("span", null, t("sendTogether", quote.addresses)))
      : null,
    quote.shows
      ? h(
          "div",
          { class: "note dial" },
          icon("info"),
          h("span", null, t(quote.shows === "own" ? "sendShowsOwn" : "sendShowsAgain")),
        )
      : null,
    quote.addresses ? null : h("div", { class: "note good" }, icon("settled"), h("span", null, t("sendSimulated"))),
    node,
    h("p", { class: "xs faint centre" }, t("sendForGood")),
  );
  main.focus();
}

/** @param {string | null} value wei; of the network's coin too, which has as many decimals */
const plain = (value) => exact(value).replace(" GoMAA", "");
