/**
 * Listening money: balance, deposit and withdrawal, for songs that the listener pays.
 */

import { exact, show, wei } from "../ui/amounts.js";
import { fill, h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { field } from "../ui/pieces.js";
import { problemTexts, language, t } from "../ui/text.js";
import { LatestResponse } from "../ui/latest_response.js";
import { moment } from "../ui/time.js";
import { amountError, form } from "./form.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("../shared/wallet_sites.d.ts").ListeningEscrow} ListeningEscrow */

const POLL_LISTENING_MONEY_MS = 1_000;

/**
 * A card for each security server that this listener pays or has paid; empty without one.
 * @param {App} app
 * @returns {HTMLElement}
 */
export function listening(app) {
  const box = h("div", { class: "stack t", "data-key": "listening" });
  const responses = new LatestResponse();
  let last = "";
  const draw = async () => {
    const response = await responses.of(() => app.request("wallet.listening"));
    if (!response) return;
    const { places = [] } = response;
    const content = JSON.stringify(places.map(({ now_s, ...rest }) => ({ ...rest, over: now_s >= rest.ready_s })));
    // A form in use stays.
    if (
      content === last ||
      (last && box.contains(document.activeElement) && document.activeElement?.tagName === "INPUT")
    )
      return;
    last = content;
    fill(
      box,
      places.length ? h("h2", { class: "h" }, t("listeningTitle")) : null,
      places.length ? h("p", { class: "s dim" }, t("listeningLead")) : null,
      places.map((escrow) => card(app, escrow)),
    );
  };
  const refresh = () => void draw().catch(() => undefined);
  refresh();
  const timer = setInterval(() => (box.isConnected ? refresh() : clearInterval(timer)), POLL_LISTENING_MONEY_MS);
  return box;
}

/** @param {App} app @param {ListeningEscrow} escrow */
function card(app, escrow) {
  const body = h("section", { class: "card stack t", "data-key": "place" });
  const parts = [
    h(
      "div",
      { class: "row between" },
      h("b", { class: "clip" }, escrow.domain),
      h("span", { class: "num", "data-key": "left", title: exact(escrow.left_wei) }, `${show(escrow.left_wei)} GoMAA`),
    ),
    h(
      "div",
      { class: "row between xs dim" },
      h("span", null, t("listeningSpent")),
      h("span", { class: "num", "data-key": "spent", title: exact(escrow.spent_wei) }, show(escrow.spent_wei)),
    ),
  ];
  const failed = escrow.under_way?.startsWith("failed: ") ? escrow.under_way.slice(8) : null;
  if (escrow.under_way && !failed)
    return (
      fill(
        body,
        ...parts,
        h("div", { class: "note", role: "status" }, icon("info"), h("span", null, t("listeningUnder"))),
      ),
      body
    );
  if (failed)
    parts.push(
      h(
        "div",
        { class: "note dial", role: "alert" },
        icon("info"),
        h("span", null, t("listeningFailed", problemTexts({ code: failed }).cause)),
      ),
    );
  fill(body, ...parts, withdrawal(app, escrow), deposit(app, escrow, body));
  return body;
}

/** @param {App} app @param {ListeningEscrow} escrow */
function withdrawal(app, escrow) {
  const isRequested = wei(escrow.requested_wei) > 0n;
  const isHeld = wei(escrow.held_wei) > 0n;
  const ready = isHeld || (isRequested && escrow.now_s >= escrow.ready_s);
  if (!isRequested && !isHeld && wei(escrow.left_wei) === 0n) return null;
  const take = () =>
    app
      .request("wallet.listening.take", { server: escrow.server, payer: escrow.payer })
      .catch((error) => app.fail(error));
  const text = isHeld
    ? t("listeningHeld", show(escrow.held_wei))
    : !isRequested
      ? t("listeningDelay", Math.ceil(escrow.delay_s / 60))
      : ready
        ? t("listeningReady", show(escrow.requested_wei))
        : t("listeningWaits", show(escrow.requested_wei), moment(escrow.ready_s, language()));
  return h(
    "div",
    { class: "stack z" },
    h("p", { class: "xs dim" }, text),
    isRequested && !ready
      ? null
      : press(
          h(
            "button",
            { type: "button", class: "btn small", "data-key": ready ? "withdraw" : "take-back" },
            t(ready ? "listeningWithdraw" : "listeningAsk"),
          ),
          () => void take(),
        ),
  );
}

/** @param {App} app @param {ListeningEscrow} escrow @param {HTMLElement} body */
function deposit(app, escrow, body) {
  const sum = field({ id: "listening", label: t("listeningPut"), hint: t("listeningHow") });
  sum.input.setAttribute("inputmode", "decimal");
  return form({ fields: [sum.node], submit: t("goOn"), busy: t("sendChecking"), kind: "", key: "put-in" }, async () => {
    sum.fail("");
    let quote;
    try {
      quote = await app.request("wallet.listening.quote", {
        server: escrow.server,
        payer: escrow.payer,
        amount: sum.input.value,
      });
    } catch (error) {
      const amountText = amountError(error, t("sendAmountWrong"));
      if (!amountText) throw error;
      return sum.fail(amountText);
    }
    const amount = exact(quote.amount_wei).replace(" GoMAA", "");
    const { node } = form(
      { fields: [], submit: t("listeningConfirm", amount), busy: t("sendSending"), key: "put-in-now" },
      async () => {
        await app.request("wallet.listening.put", { quote: quote.quote });
        fill(body, h("div", { class: "note", role: "status" }, icon("info"), h("span", null, t("listeningUnder"))));
      },
    );
    /** @type {[string, string][]} */
    const rows = [
      [t("listeningHow"), amount],
      [t("listeningFee"), exact(quote.most_wei).replace(" GoMAA", "")],
      [t("sendLeft"), exact(quote.left_wei).replace(" GoMAA", "")],
    ];
    fill(
      body,
      h("b", null, quote.domain),
      h("dl", { class: "sums" }, rows.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]).flat()),
      h("div", { class: "note good" }, icon("settled"), h("span", null, t("listeningSimulated"))),
      h("div", { class: "note dial" }, icon("info"), h("span", null, t("listeningShows"))),
      h("p", { class: "xs dim" }, t("listeningDelay", Math.ceil(quote.delay_s / 60))),
      node,
    );
  }).node;
}
