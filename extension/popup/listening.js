/**
 * Listening money: what is left for songs that the fan pays by the part, putting in, taking back.
 */

import { exact, show, wei } from "../ui/amounts.js";
import { fill, h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { field } from "../ui/pieces.js";
import { sentences, language, t } from "../ui/text.js";
import { moment } from "../ui/time.js";
import { amountFault, form } from "./form.js";

/** @typedef {import("./popup.js").App} App */
/** @typedef {import("../engine/wallet/listening.js").Place} Place */

const POLL_LISTENING_MONEY_MS = 1_000;

/**
 * A card for each place where a song had a price for this fan; nothing where there was none.
 * @param {App} app
 * @returns {HTMLElement}
 */
export function listening(app) {
  const box = h("div", { class: "stack t", "data-key": "listening" });
  let last = "";
  let lastRequest = 0;
  let latest = 0;
  const draw = async () => {
    const current = ++lastRequest;
    const { places = [] } = await app.ask("wallet.listening");
    // An older answer never takes the place of a newer one.
    if (current < latest) return;
    latest = current;
    const content = JSON.stringify(
      places.map((/** @type {Place} */ { now_s, ...rest }) => ({ ...rest, over: now_s >= rest.ready_s })),
    );
    // A form that somebody writes in is not taken away.
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
      places.map((/** @type {Place} */ place) => card(app, place)),
    );
  };
  const again = () => void draw().catch(() => undefined);
  again();
  const timer = setInterval(() => (box.isConnected ? again() : clearInterval(timer)), POLL_LISTENING_MONEY_MS);
  return box;
}

/** @param {App} app @param {Place} place */
function card(app, place) {
  const body = h("section", { class: "card stack t", "data-key": "place" });
  const parts = [
    h(
      "div",
      { class: "row between" },
      h("b", { class: "clip" }, place.domain),
      h("span", { class: "num", "data-key": "left", title: exact(place.left_wei) }, `${show(place.left_wei)} GoMAA`),
    ),
    h(
      "div",
      { class: "row between xs dim" },
      h("span", null, t("listeningSpent")),
      h("span", { class: "num", "data-key": "spent", title: exact(place.spent_wei) }, show(place.spent_wei)),
    ),
  ];
  const failed = place.under_way?.startsWith("failed: ") ? place.under_way.slice(8) : null;
  if (place.under_way && !failed)
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
        h("span", null, t("listeningFailed", sentences({ code: failed }).cause)),
      ),
    );
  fill(body, ...parts, back(app, place), putIn(app, place, body));
  return body;
}

/** @param {App} app @param {Place} place */
function back(app, place) {
  const isRequested = wei(place.requested_wei) > 0n;
  const held = wei(place.held_wei) > 0n;
  const ready = held || (isRequested && place.now_s >= place.ready_s);
  if (!isRequested && !held && wei(place.left_wei) === 0n) return null;
  const take = () =>
    app.ask("wallet.listening.take", { server: place.server, payer: place.payer }).catch((error) => app.fail(error));
  const words = held
    ? t("listeningHeld", show(place.held_wei))
    : !isRequested
      ? t("listeningDelay", Math.ceil(place.delay_s / 60))
      : ready
        ? t("listeningReady", show(place.requested_wei))
        : t("listeningWaits", show(place.requested_wei), moment(place.ready_s, language()));
  return h(
    "div",
    { class: "stack z" },
    h("p", { class: "xs dim" }, words),
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

/** @param {App} app @param {Place} place @param {HTMLElement} body */
function putIn(app, place, body) {
  const sum = field({ id: "listening", label: t("listeningPut"), hint: t("listeningHow") });
  sum.input.setAttribute("inputmode", "decimal");
  return form({ fields: [sum.node], submit: t("goOn"), busy: t("sendChecking"), kind: "", key: "put-in" }, async () => {
    sum.fail("");
    let quote;
    try {
      quote = await app.ask("wallet.listening.quote", {
        server: place.server,
        payer: place.payer,
        amount: sum.input.value,
      });
    } catch (error) {
      const fault = amountFault(error, t("sendAmountWrong"));
      if (!fault) throw error;
      return sum.fail(fault);
    }
    const amount = exact(quote.amount_wei).replace(" GoMAA", "");
    const { node } = form(
      { fields: [], submit: t("listeningConfirm", amount), busy: t("sendSending"), key: "put-in-now" },
      async () => {
        await app.ask("wallet.listening.put", { quote: quote.quote });
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
