/**
 * Where an amount came from: what is done, what is to come, and every name that proves it.
 */

import { artwork } from "../ui/artwork.js";
import { h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { amount, copies, moneyState } from "../ui/pieces.js";
import { clock, moment } from "../ui/time.js";
import { counted, language, sentences, t } from "../ui/text.js";
import { backBar, middle } from "./frame.js";

/** @typedef {import("./popup.js").Item} Item */

/**
 * @param {import("./popup.js").App} app
 * @returns {Node[]}
 */
export function origin(app) {
  const chosen = app.model.item;
  if (!chosen) return [backBar(app, t("originTitle"), "activity"), middle()];
  // The same line may have gone on since it was opened.
  const item = app.model.summary?.activity.find((other) => other.time_s === chosen.time_s && other.content === chosen.content && other.epoch === chosen.epoch) ?? chosen;
  const copy = copies(h("button", { type: "button", class: "btn", "data-key": "copy" }, icon("copy"), t("copyOrigin")), () => asText(item));
  return [
    backBar(app, t("originTitle"), "activity"),
    middle(
      h("section", { class: "row" }, artwork(item.content, "mid"),
        h("div", { class: "grow stack z" }, h("b", { class: "clip", title: item.title }, item.title || t("aSong")), h("span", { class: "s dim clip", title: item.artist }, item.artist)),
        h("div", { class: "amt" }, h("span", { class: "sum-big" }, amount(item.amount_wei, item.state === "refused" ? "" : "+")), moneyState(item.state))),
      h("section", { class: "card" }, h("ol", { class: "timeline" }, steps(item).map(step))),
      h("section", { class: "card" }, h("dl", { class: "origin" }, names(item).map(([name, value, code]) => [h("dt", null, name), h("dd", null, code ? h("code", null, value) : value)]).flat()))),
    h("footer", null, copy),
  ];
}

/** @typedef {{kind: "done" | "wait" | "stop" | "", title: string, time: string, note: string}} Step */

/**
 * @param {Item} item
 * @returns {Step[]}
 */
function steps(item) {
  const at = moment(item.time_s, language());
  const due = item.due_s ? t("about", moment(item.due_s, language())) : "";
  if (item.state === "refused") {
    const { cause, fix } = sentences({ code: item.code ?? "internal" });
    return [
      { kind: "stop", title: cause, time: at, note: [fix, item.code ?? ""].filter(Boolean).join(" · ") },
      { kind: "", title: t("stepNoMoney"), time: "", note: t("stepNoMoneyNote") },
    ];
  }
  const heard = [item.seconds ? t("heardFor", clock(item.seconds * 1000)) : "", item.plays ? counted("plays", item.plays) : ""].filter(Boolean).join(" · ");
  const claimed = item.state === "claimed";
  const final = claimed || item.state === "claimable";
  return [
    { kind: "done", title: t("stepListened"), time: at, note: heard || item.station || "" },
    { kind: "done", title: t("stepReceipt"), time: "", note: t("stepReceiptNote") },
    { kind: final ? "done" : "wait", title: final && item.epoch ? t("stepEpoch", item.epoch) : t("stepPending"), time: final ? "" : due, note: final ? t("stepEpochNote") : t("stepPendingNote") },
    { kind: claimed ? "done" : final ? "wait" : "", title: t(claimed ? "stepCollected" : final ? "stepReady" : "stepWallet"), time: "", note: t(claimed ? "stepCollectedNote" : final ? "stepReadyNote" : "stepWalletNote") },
  ];
}

/** @param {Step} step_ */
function step(step_) {
  const shape = { done: "settled", wait: "pending", stop: "refused", "": "open" }[step_.kind];
  return h("li", { class: step_.kind }, icon(shape), h("b", null, step_.title), step_.time ? h("time", { class: "num" }, step_.time) : null, h("span", null, step_.note));
}

/**
 * @param {Item} item
 * @returns {[string, string, boolean][]}
 */
function names(item) {
  /** @type {[string, string | number | null | undefined, boolean][]} */
  const all = [
    [t("originStation"), item.station ? (item.domain ? `${item.station} (${item.domain})` : item.station) : null, false],
    [t("originContent"), item.content, true],
    [t("originServer"), item.server, true],
    [t("originEpoch"), item.epoch, false],
    [t("originPayee"), item.payee, true],
    [t("originTransaction"), item.transaction, true],
  ];
  return all.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value, code]) => [name, String(value), code]);
}

/** @param {Item} item */
function asText(item) {
  return JSON.stringify({ ...item, amount_wei: String(item.amount_wei) }, null, 1);
}
