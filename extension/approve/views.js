/**
 * What is asked, each kind in its own words. Text of a site is text, never markup, and is shown whole.
 */

import { exact, show, wei } from "../ui/amounts.js";
import { h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { t } from "../ui/text.js";

/** @typedef {{name: string, type: string, value?: string, parts?: Field[]}} Field */
/**
 * @typedef {{title: string, agree: string, danger: boolean, nodes: (Node | null)[], account: () => string | null}} View
 */

const nobody = () => null;

/** @param {string | bigint} value wei; of the network's coin too, which has as many decimals */
const plain = (value) => exact(value).replace(" GoMAA", "");

/** @param {string} kind @param {string} text @param {string} [key] */
const note = (kind, text, key = "") =>
  h(
    "div",
    { class: `note ${kind}`.trim(), ...(key ? { "data-key": key } : {}) },
    icon(kind === "stop" ? "refused" : "info"),
    h("span", null, text),
  );

/** @param {[string, Node | string][]} rows */
const sums = (rows) =>
  h("dl", { class: "sums" }, rows.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]).flat());

/** @param {string} text */
const mono = (text) => h("code", { class: "value" }, text);

/** @type {Record<string, (facts: any) => View>} */
export const VIEWS = { connect, network, personal, typed, send };

/**
 * @param {{accounts: {index: number, name: string, address: string}[], current: string | null}} facts
 * @returns {View}
 */
function connect({ accounts, current }) {
  let chosen = current;
  const list = accounts.map((account) => {
    const input = h("input", {
      type: "radio",
      name: "account",
      value: account.address,
      checked: account.address === current,
      "data-key": `account-${account.index}`,
    });
    input.addEventListener("change", (event) => {
      if (event.isTrusted) chosen = account.address;
    });
    return h(
      "label",
      { class: "choose" },
      input,
      h(
        "span",
        { class: "stack z" },
        h("b", null, account.name || t("accountNumber", account.index + 1)),
        h("code", { class: "xs" }, account.address),
      ),
    );
  });
  return {
    title: t("approveConnect"),
    agree: t("approveConnectYes"),
    danger: false,
    account: () => chosen,
    nodes: [
      h("p", { class: "dim" }, t("approveConnectLead")),
      h("fieldset", { class: "card" }, h("legend", { class: "vh" }, t("approveAccount")), list),
      note("", t("approveConnectNote")),
    ],
  };
}

/** @param {{from: number, chain_id: number}} facts @returns {View} */
function network({ from, chain_id }) {
  return {
    title: t("approveNetwork"),
    agree: t("approveNetworkYes"),
    danger: false,
    account: nobody,
    nodes: [
      h(
        "section",
        { class: "card" },
        sums([
          [t("approveNow"), String(from)],
          [t("approveThen"), String(chain_id)],
        ]),
      ),
    ],
  };
}

/** What of a sign-in is false. @type {Record<string, string>} */
const FALSE = {
  scheme: "signInScheme",
  account: "signInAccount",
  chain: "signInChain",
  uri: "signInUri",
  form: "signInForm",
  time: "signInTime",
};

/** Digits of a hash or more: letters that can be read, and mean nothing to a reader. */
const DIGITS = /^\s*(0x)?([0-9a-f]{2}\s*){32,}$/i;

/**
 * @param {{account: string, text: string | null, hex: string, hidden: boolean, sign_in: {domain: string, wrong:
 *   string[]} | null}} facts
 * @returns {View}
 */
function personal({ account, text, hex, hidden, sign_in }) {
  const wrong = sign_in?.wrong ?? [];
  const blind = text === null || DIGITS.test(text);
  const others = wrong.filter((name) => name !== "domain").map((name) => t(FALSE[name] ?? name));
  return {
    title: t(sign_in ? "approveSignIn" : "approvePersonal"),
    agree: t("approveSign"),
    danger: wrong.length > 0 || blind,
    account: nobody,
    nodes: [
      wrong.includes("domain") ? note("stop", t("approveSignInDomain", sign_in?.domain ?? ""), "sign-in-domain") : null,
      others.length ? note("stop", t("approveSignInWrong", others.join(" · ")), "sign-in-wrong") : null,
      sign_in && wrong.length === 0 ? note("good", t("approveSignInGood")) : null,
      blind ? note("stop", t("approveHex"), "hex") : null,
      !blind && !sign_in ? note("dial", t("approvePlain"), "plain") : null,
      hidden ? note("dial", t("approveHidden"), "hidden") : null,
      h("section", { class: "card" }, h("pre", { "data-key": "text" }, text ?? hex)),
      by(account),
    ],
  };
}

/** @param {string} account */
const by = (account) => h("p", { class: "xs faint" }, t("approveBy"), " ", h("code", null, account));

/** Sentence of each reading of typed data. @type {Record<string, string>} */
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
/** @type {Record<string, string>} */
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
/** Later than this is no time that anybody means. */
const MOST_TIME_S = 253_402_300_799;

/** @param {string} label @param {string} text */
function lineOf(label, text) {
  if (label !== "until" && label !== "ends") return mono(text);
  // A number that is no time is shown unchanged.
  if (!/^[0-9]+$/.test(text)) return mono(text);
  return mono(
    Number(text) > MOST_TIME_S
      ? t("readNever")
      : new Date(Number(text) * 1000).toISOString().replace("T", " ").replace(".000Z", " UTC"),
  );
}

/** @typedef {{kind: string, unlimited: boolean, lines: [string, string][]}} Reading */

/** @param {Reading} reading @param {boolean} spends */
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
 * @param {{account: string, primary: string, name: string, version: string, chain_id: number | null, contract: string |
 *   null, readings: Reading[], spends: boolean,
 *   domain: Field[], message: Field[], digest: string}} facts
 * @returns {View}
 */
function typed({ account, primary, name, chain_id, contract, readings, spends, domain, message, digest }) {
  return {
    title: t("approveTyped"),
    agree: t("approveSign"),
    danger: readings.length > 0,
    account: nobody,
    nodes: [
      ...readings.map((one) => readingOf(one, spends)),
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

/** The declared fields in their order. @param {Field[]} parts @returns {HTMLElement} */
function fields(parts) {
  if (parts.length === 0) return h("p", { class: "xs faint" }, t("approveEmpty"));
  return h(
    "ul",
    { class: "fields" },
    parts.map(({ name, type, value, parts: inner }) =>
      h("li", null, h("b", null, name), h("span", { class: "kind" }, type), inner ? fields(inner) : mono(value ?? "")),
    ),
  );
}

/** Places of GoMAA that a person may know. @type {Record<string, string>} */
const PLACES = { token: "placeToken", settlement: "placeSettlement", registry: "placeRegistry" };

/** Sentence of each kind of call. @type {Record<string, string>} */
const SAYS = {
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
const RIGHTS = new Set(["approve", "allowance", "item", "operator"]);
const GIFTS = new Set(["give", "many"]);
/** From here on an amount is one without limit, as in pywallet.provider.calls. */
const UNLIMITED = 2n ** 96n - 1n;

/**
 * @typedef {{kind: string, contract: string | null, other: string | null, item: string | null, before: string, after:
 *   string, own: boolean, expected: boolean}} Change
 */
/** @typedef {{changes: Change[], more: boolean, as_said: boolean} | null} Effects */

/** @param {string} amount in the token's smallest unit @param {boolean} gomaa */
const many = (amount, gomaa) => (gomaa ? exact(amount) : t("approveUnits", amount));

/** @param {Change} change @param {string} token GoMAA's address */
function changeOf({ kind, contract, other, item, before, after, own, expected }, token) {
  const gomaa = contract?.toLowerCase() === token;
  const step = BigInt(after) - BigInt(before);
  const sign = step < 0n ? "−" : "+";
  const size = String(step < 0n ? -step : step);
  const ends = after === "0";
  const words =
    kind === "coin"
      ? t("effectCoin", `${sign}${plain(size)}`)
      : kind === "token"
        ? `${sign}${many(size, gomaa)}`
        : kind === "many"
          ? t("effectMany", `${sign}${size}`, item ?? "")
          : kind === "item"
            ? t(own ? "effectItemIn" : "effectItemOut", item ?? "")
            : kind === "allowance"
              ? t("effectAllowance", BigInt(after) >= UNLIMITED ? t("approveUnlimited") : many(after, gomaa))
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

/** @param {Effects} effects @param {string} token @param {boolean} claims something to compare with */
function effectsOf(effects, token, claims) {
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
          effects.changes.map((change) => changeOf(change, token)),
        )
      : h("p", { class: "xs faint" }, t("effectsNone")),
  );
}

/**
 * @param {{checksum: string, value_wei: string, data: string, place: string | null, chain_id: number, fee_wei: string,
 *   most_wei: string, account: string, token: string,
 *   standard: string, effects: Effects, says: {kind: string, other: string | null, amount: string | null, item: string
 * | null, unlimited: boolean, method: string, arguments: Field[]}}} facts
 * @returns {View}
 */
function send({
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
    says.amount === null ? (says.item ?? "") : unlimited ? t("approveUnlimited") : many(says.amount, place === "token");
  const ended = !unlimited && (kind === "operator" || kind === "item" || (kind === "approve" && says.amount === "0"));
  const words =
    kind === "coin"
      ? t("saysCoin", plain(value_wei))
      : !ended || kind === "approve"
        ? t(SAYS[kind] ?? "saysUnknown", amount)
        : t(kind === "item" ? "saysItemEnd" : "saysOperatorEnd", amount);
  const rights = RIGHTS.has(kind) && !ended;
  const unknown = !(kind in SAYS) && kind !== "coin";
  const strange = effects === null ? data !== "0x" || standard !== "none" : effects.more || !effects.as_said;
  return {
    title: t("approveSend"),
    agree: t("approveSendYes"),
    danger: rights || unknown || strange || GIFTS.has(kind),
    account: nobody,
    nodes: [
      h("p", { "data-key": "says" }, h("b", null, words)),
      rights
        ? note("stop", t(kind === "item" ? "readItem" : unlimited ? "approvePermitAll" : "approvePermit"), "spends")
        : null,
      unknown ? note("stop", t("approveUnknown"), "unknown") : null,
      effects || strange ? effectsOf(effects, token, !unknown) : null,
      h(
        "section",
        { class: "card stack t" },
        says.other
          ? h("div", null, h("p", { class: "xs faint" }, t(rights ? "approveGets" : "sendTo")), mono(says.other))
          : null,
        h(
          "div",
          null,
          h("p", { class: "xs faint" }, t(kind === "coin" ? "sendTo" : "approveContract")),
          place ? h("b", null, t(/** @type {string} */ (PLACES[place]))) : null,
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
      unknown || strange ? null : note("good", t("sendSimulated")),
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
