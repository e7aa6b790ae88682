/**
 * What is asked, each kind in its own words. Text of a site is text, never markup, and is shown whole.
 */

import { exact, show, wei } from "../ui/amounts.js";
import { h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { t } from "../ui/text.js";

/** @typedef {{name: string, type: string, value?: string, parts?: Field[]}} Field */
/** @typedef {{title: string, agree: string, danger: boolean, nodes: (Node | null)[], account: () => string | null}} View */

const nobody = () => null;

/** @param {string | bigint} value wei; of the network's coin too, which has as many decimals */
const plain = (value) => exact(value).replace(" GoMAA", "");

/** @param {string} kind @param {string} text @param {string} [key] */
const note = (kind, text, key = "") => h("div", { class: `note ${kind}`.trim(), ...(key ? { "data-key": key } : {}) }, icon(kind === "stop" ? "refused" : "info"), h("span", null, text));

/** @param {[string, Node | string][]} rows */
const sums = (rows) => h("dl", { class: "sums" }, rows.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]).flat());

/** @param {string} text */
const mono = (text) => h("code", { class: "value" }, text);

/** @type {Record<string, (facts: any) => View>} */
export const VIEWS = { connect, network, personal, typed, send };

/** @param {{accounts: {index: number, name: string, address: string}[], current: string | null}} facts @returns {View} */
function connect({ accounts, current }) {
  let chosen = current;
  const list = accounts.map((account) => {
    const input = h("input", { type: "radio", name: "account", value: account.address, checked: account.address === current, "data-key": `account-${account.index}` });
    input.addEventListener("change", (event) => {
      if (event.isTrusted) chosen = account.address;
    });
    return h("label", { class: "choose" }, input, h("span", { class: "stack z" }, h("b", null, account.name || t("accountNumber", account.index + 1)), h("code", { class: "xs" }, account.address)));
  });
  return {
    title: t("approveConnect"), agree: t("approveConnectYes"), danger: false, account: () => chosen,
    nodes: [
      h("p", { class: "dim" }, t("approveConnectLead")),
      h("fieldset", { class: "card" }, h("legend", { class: "vh" }, t("approveAccount")), list),
      note("", t("approveConnectNote")),
    ],
  };
}

/** @param {{from: number, chain_id: number}} facts @returns {View} */
function network({ from, chain_id }) {
  return { title: t("approveNetwork"), agree: t("approveNetworkYes"), danger: false, account: nobody, nodes: [h("section", { class: "card" }, sums([[t("approveNow"), String(from)], [t("approveThen"), String(chain_id)]]))] };
}

/** What of a sign-in is false. @type {Record<string, string>} */
const FALSE = { scheme: "signInScheme", account: "signInAccount", chain: "signInChain", uri: "signInUri", form: "signInForm" };

/** @param {{account: string, text: string | null, hex: string, hidden: boolean, sign_in: {domain: string, wrong: string[]} | null}} facts @returns {View} */
function personal({ account, text, hex, hidden, sign_in }) {
  const wrong = sign_in?.wrong ?? [];
  const others = wrong.filter((name) => name !== "domain").map((name) => t(FALSE[name] ?? name));
  return {
    title: t(sign_in ? "approveSignIn" : "approvePersonal"), agree: t("approveSign"), danger: wrong.length > 0 || text === null, account: nobody,
    nodes: [
      wrong.includes("domain") ? note("stop", t("approveSignInDomain", sign_in?.domain ?? ""), "sign-in-domain") : null,
      others.length ? note("stop", t("approveSignInWrong", others.join(" · ")), "sign-in-wrong") : null,
      sign_in && wrong.length === 0 ? note("good", t("approveSignInGood")) : null,
      text === null ? note("stop", t("approveHex"), "hex") : null,
      hidden ? note("dial", t("approveHidden"), "hidden") : null,
      h("section", { class: "card" }, h("pre", { "data-key": "text" }, text ?? hex)),
      by(account),
    ],
  };
}

/** @param {string} account */
const by = (account) => h("p", { class: "xs faint" }, t("approveBy"), " ", h("code", null, account));

/**
 * @param {{account: string, primary: string, name: string, version: string, chain_id: number | null, contract: string | null, spends: boolean, unlimited: boolean,
 *   domain: Field[], message: Field[], digest: string}} facts
 * @returns {View}
 */
function typed({ account, primary, chain_id, contract, spends, unlimited, domain, message, digest }) {
  return {
    title: t("approveTyped"), agree: t("approveSign"), danger: spends, account: nobody,
    nodes: [
      spends ? note("stop", t(unlimited ? "approvePermitAll" : "approvePermit"), "spends") : null,
      chain_id === null ? note("dial", t("approveAnyNetwork"), "any-network") : null,
      contract === null ? note("dial", t("approveNoContract"), "no-contract") : null,
      h("section", { class: "card stack t" }, h("h2", { class: "h" }, t("approveFor")), fields(domain)),
      h("section", { class: "card stack t", "data-key": "fields" }, h("h2", { class: "h" }, primary), fields(message)),
      by(account),
      h("p", { class: "xs faint" }, t("approveDigest"), " ", h("code", null, digest)),
    ],
  };
}

/** The declared fields in their order. @param {Field[]} parts @returns {HTMLElement} */
function fields(parts) {
  if (parts.length === 0) return h("p", { class: "xs faint" }, t("approveEmpty"));
  return h("ul", { class: "fields" }, parts.map(({ name, type, value, parts: inner }) => h("li", null,
    h("b", null, name), h("span", { class: "kind" }, type), inner ? fields(inner) : mono(value ?? ""))));
}

/** Places of GoMAA that a person may know. @type {Record<string, string>} */
const PLACES = { token: "placeToken", settlement: "placeSettlement", registry: "placeRegistry" };

/**
 * @param {{checksum: string, value_wei: string, data: string, place: string | null, chain_id: number, fee_wei: string, most_wei: string, account: string,
 *   says: {kind: string, other: string | null, amount: string | null, unlimited: boolean, method: string}}} facts
 * @returns {View}
 */
function send({ checksum, value_wei, data, place, chain_id, fee_wei, most_wei, account, says }) {
  const gomaa = place === "token";
  const many = says.amount === null ? "" : says.unlimited ? t("approveUnlimited") : gomaa ? exact(says.amount) : t("approveUnits", says.amount);
  const words = says.kind === "coin" ? t("saysCoin", plain(value_wei)) : says.kind === "transfer" ? t("saysTransfer", many) : says.kind === "approve" ? t("saysApprove", many)
    : says.kind === "allowance" ? t("saysAllowance", many) : says.kind === "take" ? t("saysTake", many) : says.kind === "operator" ? t(says.unlimited ? "saysOperator" : "saysOperatorEnd") : t("saysUnknown");
  const rights = says.kind === "approve" || says.kind === "allowance" || (says.kind === "operator" && says.unlimited);
  const unknown = says.kind === "unknown";
  return {
    title: t("approveSend"), agree: t("approveSendYes"), danger: rights || unknown, account: nobody,
    nodes: [
      h("p", { "data-key": "says" }, h("b", null, words)),
      rights ? note("stop", t(says.unlimited ? "approvePermitAll" : "approvePermit"), "spends") : null,
      unknown ? note("dial", t("approveUnknown"), "unknown") : null,
      h("section", { class: "card stack t" },
        says.other ? h("div", null, h("p", { class: "xs faint" }, t(rights ? "approveGets" : "sendTo")), mono(says.other)) : null,
        h("div", null, h("p", { class: "xs faint" }, t(says.kind === "coin" ? "sendTo" : "approveContract")), place ? h("b", null, t(/** @type {string} */ (PLACES[place]))) : null, mono(checksum))),
      h("section", { class: "card" }, sums([
        ...(says.kind === "coin" || wei(value_wei) > 0n ? [/** @type {[string, string]} */ ([t("approveCoin"), `${plain(value_wei)} ${t("coin")}`])] : []),
        [t("sendFee"), `${show(fee_wei, 8)} ${t("coin")}`],
        [t("sendFeeMost"), `${show(most_wei, 8)} ${t("coin")}`],
        [t("chainName"), String(chain_id)],
      ])),
      note("good", t("sendSimulated")),
      data === "0x" ? null : h("details", { class: "card" }, h("summary", { class: "s" }, t("approveData")), h("pre", { class: "mono" }, data)),
      by(account),
    ],
  };
}
