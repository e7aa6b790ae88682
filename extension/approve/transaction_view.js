/**
 * The view of a transaction to send, with its simulated effects.
 */

import { exact, show, wei } from "../ui/amounts.js";
import { h } from "../ui/dom.js";
import { t } from "../ui/text.js";
import { by, fields, mono, noAccount, note, plain, sums } from "./view_parts.js";

/** @typedef {import("../shared/protocol.d.ts").Effect} Change */
/** @typedef {import("../shared/protocol.d.ts").Effects} Effects */
/** @typedef {import("./view_parts.js").View} View */

/** Names of GoMAA's contracts. @type {Record<string, string>} */
const CONTRACTS = { token: "placeToken", settlement: "placeSettlement", registry: "placeRegistry" };

/** Text of each kind of call. @type {Record<string, string>} */
const CALLS = {
  transfer: "saysTransfer",
  approve: "saysApprove",
  allowance: "saysAllowance",
  less: "saysLess",
  take: "saysTake",
  give: "saysGive",
  take_item: "saysTakeItem",
  item: "saysItem",
  many: "saysMany",
  take_many: "saysTakeMany",
  operator: "saysOperator",
};
/** Calls that grant a right. */
const RIGHTS = new Set(["approve", "allowance", "item", "operator"]);
/** Calls that give tokens away. */
const GIFTS = new Set(["give", "many"]);
/** Least amount that counts as unlimited, as in pywallet.provider.calls. */
const UNLIMITED = 2n ** 96n - 1n;

/** An amount of a token. @param {string} amount in the token's smallest unit @param {boolean} gomaa */
const units = (amount, gomaa) => (gomaa ? exact(amount) : t("approveUnits", amount));

/** The line of a change. @param {Change} change @param {string} token GoMAA's address */
function changeLine({ kind, contract, other, item, before, after, own, expected }, token) {
  const gomaa = contract?.toLowerCase() === token;
  const step = BigInt(after) - BigInt(before);
  const sign = step < 0n ? "−" : "+";
  const size = String(step < 0n ? -step : step);
  const ends = after === "0";
  const words =
    kind === "coin"
      ? t("effectCoin", `${sign}${plain(size)}`)
      : kind === "token"
        ? `${sign}${units(size, gomaa)}`
        : kind === "many"
          ? t("effectMany", `${sign}${size}`, item ?? "")
          : kind === "item"
            ? t(own ? "effectItemIn" : "effectItemOut", item ?? "")
            : kind === "allowance"
              ? t("effectAllowance", BigInt(after) >= UNLIMITED ? t("approveUnlimited") : units(after, gomaa))
              : kind === "right"
                ? t(ends ? "effectRightEnd" : "effectRight", item ?? "")
                : t(ends ? "effectOperatorEnd" : "effectOperator");
  return h(
    "li",
    { class: "stack z", "data-key": "change", "data-kind": kind },
    expected ? h("b", null, words) : note("stop", words, "unexpected"),
    other && !own ? h("span", { class: "xs faint" }, t(kind === "item" ? "sendTo" : "approveGets")) : null,
    other && !own ? mono(other) : null,
    contract ? h("span", { class: "xs faint" }, gomaa ? t("placeToken") : t("effectContract")) : null,
    contract ? mono(contract) : null,
  );
}

/**
 * The simulated effects.
 * @param {Effects | null} effects
 * @param {string} token
 * @param {boolean} claims whether the call is readable
 */
function effectsSection(effects, token, claims) {
  if (!effects) return note("stop", t("effectsUnknown"), "no-effects");
  return h(
    "section",
    { class: "card stack t", "data-key": "effects" },
    h("h2", { class: "h" }, t("effectsTitle")),
    effects.as_said || !claims ? null : note("stop", t("effectsOther"), "mismatch"),
    effects.more ? note("stop", t("effectsMore"), "more") : null,
    effects.changes.length
      ? h(
          "ul",
          { class: "fields" },
          effects.changes.map((change) => changeLine(change, token)),
        )
      : h("p", { class: "xs faint" }, t("effectsNone")),
  );
}

/**
 * A site requests a transaction.
 * @param {import("../shared/approval_messages.d.ts").ApprovalFacts["send"]} facts
 * @returns {View}
 */
export function send({
  checksum,
  value_wei,
  data,
  place,
  chain_id,
  fee_wei,
  most_wei,
  account,
  token,
  standard,
  effects,
  says,
}) {
  const { kind, unlimited } = says;
  const amount =
    says.amount === null
      ? (says.item ?? "")
      : unlimited
        ? t("approveUnlimited")
        : units(says.amount, place === "token");
  const ended = !unlimited && (kind === "operator" || kind === "item" || (kind === "approve" && says.amount === "0"));
  const words =
    kind === "coin"
      ? t("saysCoin", plain(value_wei))
      : !ended || kind === "approve"
        ? t(CALLS[kind] ?? "saysUnknown", amount)
        : t(kind === "item" ? "saysItemEnd" : "saysOperatorEnd", amount);
  const grantsRight = RIGHTS.has(kind) && !ended;
  const isUnknown = !(kind in CALLS) && kind !== "coin";
  const isUnexpected = effects === null ? data !== "0x" || standard !== "none" : effects.more || !effects.as_said;
  return {
    title: t("approveSend"),
    agree: t("approveSendYes"),
    danger: grantsRight || isUnknown || isUnexpected || GIFTS.has(kind),
    account: noAccount,
    nodes: [
      h("p", { "data-key": "says" }, h("b", null, words)),
      grantsRight
        ? note("stop", t(kind === "item" ? "readItem" : unlimited ? "approvePermitAll" : "approvePermit"), "spends")
        : null,
      isUnknown ? note("stop", t("approveUnknown"), "unknown") : null,
      effects || isUnexpected ? effectsSection(effects, token, !isUnknown) : null,
      h(
        "section",
        { class: "card stack t" },
        says.other
          ? h("div", null, h("p", { class: "xs faint" }, t(grantsRight ? "approveGets" : "sendTo")), mono(says.other))
          : null,
        h(
          "div",
          null,
          h("p", { class: "xs faint" }, t(kind === "coin" ? "sendTo" : "approveContract")),
          place ? h("b", null, t(/** @type {string} */ (CONTRACTS[place]))) : null,
          mono(checksum),
        ),
      ),
      says.arguments.length
        ? h(
            "section",
            { class: "card stack t", "data-key": "arguments" },
            h("h2", { class: "h" }, t("approveArguments")),
            fields(says.arguments),
          )
        : null,
      h(
        "section",
        { class: "card" },
        sums([
          ...(kind === "coin" || wei(value_wei) > 0n
            ? [/** @type {[string, string]} */ ([t("approveCoin"), `${plain(value_wei)} ${t("coin")}`])]
            : []),
          [t("sendFee"), `${show(fee_wei, 8)} ${t("coin")}`],
          [t("sendFeeMost"), `${show(most_wei, 8)} ${t("coin")}`],
          [t("chainName"), String(chain_id)],
        ]),
      ),
      isUnknown || isUnexpected ? null : note("good", t("sendSimulated")),
      data === "0x"
        ? null
        : h(
            "details",
            { class: "card" },
            h("summary", { class: "s" }, t("approveData")),
            h("pre", { class: "mono" }, data),
          ),
      by(account),
    ],
  };
}
