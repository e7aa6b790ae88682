/**
 * The origin of an amount: its steps, its plays, and its identifiers.
 */

import { exact, show } from "../ui/amounts.js";
import { artwork } from "../ui/artwork.js";
import { h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { amount, copyOnPress } from "../ui/pieces.js";
import { clock, moment } from "../ui/time.js";
import { plural, language, problemTexts, t } from "../ui/text.js";
import { backBar, middle, signOf, stateOf, titleOf } from "./frame.js";

/** @typedef {import("./app.js").Item} Item */
/** @typedef {import("../shared/protocol.d.ts").ReceiptBreakdownResult} ReceiptBreakdown */

/**
 * @param {import("./app.js").App} app
 * @returns {Node[]}
 */
export function origin(app) {
  const chosen = app.model.item;
  if (!chosen) return [backBar(app, t("originTitle"), "activity"), middle()];
  // The line may have changed since it was opened.
  const item = app.model.summary?.activity.find((other) => isSameLine(other, chosen)) ?? chosen;
  const { breakdown } = app.model;
  const copy = copyOnPress(
    h("button", { type: "button", class: "btn", "data-key": "copy" }, icon("copy"), t("copyOrigin")),
    () => asText(item, breakdown),
  );
  return [
    backBar(app, t(item.kind ? "transferTitle" : "originTitle"), "activity"),
    middle(
      h(
        "section",
        { class: "row" },
        item.kind
          ? h("span", { class: "disc big" }, icon(item.kind === "sent" ? "send" : "receive"))
          : artwork(item.content, "mid"),
        h(
          "div",
          { class: "grow stack z" },
          h("b", { class: "clip", title: titleOf(item) }, titleOf(item)),
          h("span", { class: "s dim clip", title: item.artist }, item.artist),
        ),
        h(
          "div",
          { class: "amt" },
          h("span", { class: "sum-big" }, amount(item.amount_wei, signOf(item))),
          stateOf(item),
        ),
      ),
      h(
        "section",
        { class: "card" },
        h("ol", { class: "timeline" }, (item.kind ? transferSteps(item) : rewardSteps(item)).map(stepRow)),
      ),
      item.replaceable ? replacements(app, item) : null,
      breakdown ? plays(breakdown) : null,
      h(
        "section",
        { class: "card" },
        h(
          "dl",
          { class: "origin" },
          identifiers(item, breakdown)
            .map(([name, value, code]) => [h("dt", null, name), h("dd", null, code ? h("code", null, value) : value)])
            .flat(),
        ),
      ),
    ),
    h("footer", null, copy),
  ];
}

/** Buttons that replace a pending transfer. @param {import("./app.js").App} app @param {Item} item */
const replacements = (app, item) =>
  h(
    "div",
    { class: "row tight wrap" },
    press(h("button", { type: "button", class: "btn", "data-key": "faster" }, t("replaceFaster")), () =>
      app.go("faster", item),
    ),
    item.how === "cancel"
      ? null
      : press(h("button", { type: "button", class: "btn", "data-key": "cancel" }, t("replaceCancel")), () =>
          app.go("cancel", item),
        ),
  );

/** @param {Item} a @param {Item} b */
const isSameLine = (a, b) =>
  a.kind || b.kind
    ? a.kind === b.kind && a.transaction === b.transaction
    : a.time_s === b.time_s && a.content === b.content && a.epoch === b.epoch && a.payee === b.payee;

/**
 * The plays of the amount, to the last wei.
 * @param {ReceiptBreakdown} breakdown
 */
function plays({ parts }) {
  return h(
    "section",
    { class: "card stack t" },
    h("h2", { class: "h" }, t("originParts")),
    h(
      "ul",
      { class: "list" },
      parts.map((part) =>
        h(
          "li",
          null,
          h(
            "span",
            { class: "grow stack z" },
            h(
              "span",
              { class: "clip", title: part.title },
              part.content ? part.title || t("aSong") : t("originElsewhere"),
            ),
            h(
              "span",
              { class: "xs faint" },
              [
                part.seconds === null ? "" : t("heardFor", clock(part.seconds * 1000)),
                part.time_s === null ? "" : moment(part.time_s, language()),
              ]
                .filter(Boolean)
                .join(" · "),
            ),
          ),
          amount(part.amount_wei, "+"),
        ),
      ),
    ),
  );
}

/**
 * The steps of a transfer.
 * @param {Item} item
 * @returns {Step[]}
 */
function transferSteps(item) {
  const time = moment(item.time_s, language());
  if (item.kind === "received")
    return [
      { kind: "done", title: t("stepReceived"), time, note: t(item.at_payee ? "stepPrivateNote" : "stepReceivedNote") },
    ];
  const fee = item.fee_wei ? t("stepFee", show(item.fee_wei, 6)) : "";
  /** @type {Step} */
  const signed = { kind: "done", title: t("stepSigned"), time: "", note: "" };
  if (item.state === "refused") {
    const failed = (item.code ?? "chain.reverted") === "chain.reverted";
    const { cause, fix } = failed
      ? { cause: t("stepFailed"), fix: t("stepFailedNote") }
      : problemTexts({ code: item.code ?? "internal" });
    return [signed, { kind: "stop", title: cause, time, note: [fix, fee].filter(Boolean).join(" · ") }];
  }
  if (item.state === "claimed") return [signed, { kind: "done", title: t("stepConfirmed"), time, note: fee }];
  // After a node's refusal the transfer may still be mined.
  const note = item.how === "cancel" ? t("stepCancelling") : item.reason ? t("stepNotKnown") : t("stepUnderWayNote");
  return [signed, { kind: "wait", title: t(item.reason ? "stepNotTaken" : "stepUnderWay"), time, note }];
}

/** @typedef {{kind: "done" | "wait" | "stop" | "", title: string, time: string, note: string}} Step */

/**
 * The steps of a reward.
 * @param {Item} item
 * @returns {Step[]}
 */
function rewardSteps(item) {
  const at = moment(item.time_s, language());
  const due = item.due_s ? t("about", moment(item.due_s, language())) : "";
  if (item.state === "refused") {
    const { cause, fix } = problemTexts({ code: item.code ?? "internal" });
    return [
      { kind: "stop", title: cause, time: at, note: [fix, item.code ?? ""].filter(Boolean).join(" · ") },
      { kind: "", title: t("stepNoMoney"), time: "", note: t("stepNoMoneyNote") },
    ];
  }
  const listened = [
    item.seconds ? t("heardFor", clock(item.seconds * 1000)) : "",
    item.plays ? plural("plays", item.plays) : "",
  ]
    .filter(Boolean)
    .join(" · ");
  const claimed = item.state === "claimed";
  const final = claimed || item.state === "claimable";
  return [
    { kind: "done", title: t("stepListened"), time: at, note: listened || item.station || "" },
    { kind: "done", title: t("stepReceipt"), time: "", note: t("stepReceiptNote") },
    {
      kind: final ? "done" : "wait",
      title: final && item.epoch ? t("stepEpoch", item.epoch) : t("stepPending"),
      time: final ? "" : due,
      note: final ? t("stepEpochNote") : t("stepPendingNote"),
    },
    {
      kind: claimed ? "done" : final ? "wait" : "",
      title: t(claimed ? "stepCollected" : final ? "stepReady" : "stepWallet"),
      time: "",
      note: t(
        claimed
          ? item.at_payee
            ? "stepPrivateNote"
            : "stepCollectedNote"
          : final
            ? "stepReadyNote"
            : "stepWalletNote",
      ),
    },
  ];
}

/** @param {Step} step */
function stepRow(step) {
  const shape = { done: "settled", wait: "pending", stop: "refused", "": "open" }[step.kind];
  return h(
    "li",
    { class: step.kind },
    icon(shape),
    h("b", null, step.title),
    step.time ? h("time", { class: "num" }, step.time) : null,
    h("span", null, step.note),
  );
}

/**
 * Addresses, hashes and names of a line.
 * @param {Item} item
 * @param {ReceiptBreakdown | null} breakdown
 * @returns {[label: string, value: string, isCode: boolean][]}
 */
function identifiers(item, breakdown) {
  /** @type {[string, string | number | null | undefined, boolean][]} */
  const all = item.kind
    ? [
        [t(item.kind === "sent" ? "originTo" : "originFrom"), item.other, true],
        [t("originSite"), item.site, true],
        [
          t("originCoin"),
          item.value_wei && item.value_wei !== "0" ? exact(item.value_wei).replace(" GoMAA", "") : null,
          false,
        ],
        [t("originBlock"), item.block, false],
        [t("originTransaction"), item.transaction, true],
        [t("originReplacedBy"), item.by, true],
      ]
    : [
        [
          t("originStation"),
          item.station ? (item.domain ? `${item.station} (${item.domain})` : item.station) : null,
          false,
        ],
        [t("originStationAddress"), breakdown?.station_address, true],
        [t("originContent"), item.content, true],
        [t("originServer"), item.server, true],
        [t("originEpoch"), item.epoch, false],
        [t("originPayee"), item.payee, true],
        [t("originSession"), breakdown?.session ?? sessionIn(breakdown?.detail), true],
        [t("originReceipt"), breakdown?.receipt?.signature, true],
        [t("originTransaction"), breakdown?.transaction ?? item.transaction, true],
        [t("chainName"), breakdown?.chain_id, false],
      ];
  return all
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value, code]) => [name, String(value), code]);
}

/** The session in a receipt's data. @param {Record<string, unknown> | null | undefined} detail */
const sessionIn = (detail) => (typeof detail?.["session"] === "string" ? detail["session"] : null);

/** All of it as JSON, to be copied. @param {Item} item @param {ReceiptBreakdown | null} breakdown */
function asText(item, breakdown) {
  return JSON.stringify({ ...item, amount_wei: String(item.amount_wei), ...(breakdown ?? {}) }, null, 1);
}
