/**
 * The views of approvals, one for each kind. A site's text is shown whole, and never parsed as markup.
 */

import { h } from "../ui/dom.js";
import { t } from "../ui/text.js";
import { send } from "./transaction_view.js";
import { typed } from "./typed_data_view.js";
import { by, noAccount, note, sums } from "./view_parts.js";

/** @typedef {import("./view_parts.js").View} View */

/** @import { ApprovalFacts, ApprovalKind } from "../shared/approval_messages.d.ts" */

/**
 * Views by the kind of the approval; "unlock" has none.
 * @type {{[Kind in Exclude<ApprovalKind, "unlock">]: (facts: ApprovalFacts[Kind]) => View}}
 */
const VIEWS = { connect, network, personal, typed, send };

/**
 * The view of an approval; undefined for an unknown kind.
 * @param {string} kind
 * @param {unknown} facts of the engine, in the form of the kind
 * @returns {View | undefined}
 */
export function viewOf(kind, facts) {
  const view = /** @type {Record<string, (facts: never) => View>} */ (VIEWS)[kind];
  return view?.(/** @type {never} */ (facts));
}

/**
 * A site requests permission to see an account.
 * @param {ApprovalFacts["connect"]} facts
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

/** A site requests another network. @param {ApprovalFacts["network"]} facts @returns {View} */
function network({ from, chain_id }) {
  return {
    title: t("approveNetwork"),
    agree: t("approveNetworkYes"),
    danger: false,
    account: noAccount,
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

/** Texts about the errors of a sign-in (EIP-4361). @type {Record<string, string>} */
const SIGN_IN_ERRORS = {
  scheme: "signInScheme",
  account: "signInAccount",
  chain: "signInChain",
  uri: "signInUri",
  form: "signInForm",
  time: "signInTime",
};

/** At least 32 hexadecimal digit pairs: printable, but unreadable for a person. */
const HEX_DIGITS = /^\s*(0x)?([0-9a-f]{2}\s*){32,}$/i;

/**
 * A site requests the signature of a message (EIP-191).
 * @param {ApprovalFacts["personal"]} facts
 * @returns {View}
 */
function personal({ account, text, hex, hidden, sign_in }) {
  const wrong = sign_in?.wrong ?? [];
  const isUnreadable = text === null || HEX_DIGITS.test(text);
  const otherErrors = wrong.filter((name) => name !== "domain").map((name) => t(SIGN_IN_ERRORS[name] ?? name));
  return {
    title: t(sign_in ? "approveSignIn" : "approvePersonal"),
    agree: t("approveSign"),
    danger: wrong.length > 0 || isUnreadable,
    account: noAccount,
    nodes: [
      wrong.includes("domain") ? note("stop", t("approveSignInDomain", sign_in?.domain ?? ""), "sign-in-domain") : null,
      otherErrors.length ? note("stop", t("approveSignInWrong", otherErrors.join(" · ")), "sign-in-wrong") : null,
      sign_in && wrong.length === 0 ? note("good", t("approveSignInGood")) : null,
      isUnreadable ? note("stop", t("approveHex"), "hex") : null,
      !isUnreadable && !sign_in ? note("dial", t("approvePlain"), "plain") : null,
      hidden ? note("dial", t("approveHidden"), "hidden") : null,
      h("section", { class: "card" }, h("pre", { "data-key": "text" }, text ?? hex)),
      by(account),
    ],
  };
}
