/**
 * The view of typed data to sign (EIP-712).
 */

import { h } from "../ui/dom.js";
import { t } from "../ui/text.js";
import { by, fields, mono, noAccount, note } from "./view_parts.js";

/** @typedef {import("../shared/approval_messages.d.ts").Reading} Reading */
/** @typedef {import("./view_parts.js").View} View */

/** Text of each reading of typed data. @type {Record<string, string>} */
const READ = {
  permit: "approvePermit",
  permit_item: "readItem",
  transfer: "readTransfer",
  cancel: "readCancel",
  order: "readOrder",
  safe: "readSafe",
  forward: "readForward",
  votes: "readVotes",
  code: "readCode",
  unknown: "readUnknown",
};
/** Labels of the lines of a reading. @type {Record<string, string>} */
const LABELS = {
  gets: "approveGets",
  from: "readFrom",
  token: "readToken",
  amount: "readAmount",
  item: "readNumber",
  until: "readUntil",
  ends: "readEnds",
  call: "readCall",
  bound: "readBound",
};
/** Last second of the year 9999: later values mean "never". */
const MAX_TIME_S = 253_402_300_799;

/** A line of a reading; times as dates. @param {string} label @param {string} text */
function lineOf(label, text) {
  if (label !== "until" && label !== "ends") return mono(text);
  // Other text is shown unchanged.
  if (!/^[0-9]+$/.test(text)) return mono(text);
  return mono(
    Number(text) > MAX_TIME_S
      ? t("readNever")
      : new Date(Number(text) * 1000).toISOString().replace("T", " ").replace(".000Z", " UTC"),
  );
}

/** @param {Reading} reading @param {boolean} spends whether it grants a right over tokens */
function readingOf({ kind, unlimited, lines }, spends) {
  return h(
    "section",
    { class: "card stack t", "data-key": "reading", "data-kind": kind },
    note(
      "stop",
      t(kind === "permit" && unlimited ? "approvePermitAll" : (READ[kind] ?? "readUnknown")),
      spends ? "spends" : "unknown",
    ),
    lines.length
      ? h(
          "ul",
          { class: "fields" },
          lines.map(([label, text]) => h("li", null, h("b", null, t(LABELS[label] ?? label)), lineOf(label, text))),
        )
      : null,
  );
}

/**
 * A site requests the signature of typed data.
 * @param {import("../shared/approval_messages.d.ts").ApprovalFacts["typed"]} facts
 * @returns {View}
 */
export function typed({ account, primary, name, chain_id, contract, readings, spends, domain, message, digest }) {
  return {
    title: t("approveTyped"),
    agree: t("approveSign"),
    danger: readings.length > 0,
    account: noAccount,
    nodes: [
      ...readings.map((reading) => readingOf(reading, spends)),
      readings.length === 0 ? note("dial", t("approvePlain"), "plain") : null,
      chain_id === null ? note("dial", t("approveAnyNetwork"), "any-network") : null,
      contract === null ? note("dial", t("approveNoContract"), "no-contract") : null,
      h(
        "section",
        { class: "card stack t" },
        h("h2", { class: "h" }, t("approveFor")),
        fields(domain),
        name ? h("p", { class: "xs faint", "data-key": "own-words" }, t("approveOwnWords")) : null,
      ),
      h("section", { class: "card stack t", "data-key": "fields" }, h("h2", { class: "h" }, primary), fields(message)),
      by(account),
      h("p", { class: "xs faint" }, t("approveDigest"), " ", h("code", null, digest)),
    ],
  };
}
