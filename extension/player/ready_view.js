/**
 * The view before playback: the terms in four sentences and a bar of payments.
 */

import { amount, emphasise, split } from "../ui/pieces.js";
import { fill, h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { show } from "../ui/amounts.js";
import { clock } from "../ui/time.js";
import { t } from "../ui/text.js";
import { paymentOf, rewardMode } from "./model.js";
import { footNote, head, showProblemNote, termsLink } from "./parts.js";
import { allTerms } from "./all_terms.js";

/** @typedef {import("./model.js").Terms} Terms */

/**
 * Creates the view.
 * @param {import("./view.js").Actions} actions
 * @returns {import("./view.js").View}
 */
export function readyView(actions) {
  const body = h("div", { class: "body" });
  const foot = h("div", { class: "foot" });
  let last = "";
  return {
    nodes: [body, foot],
    update({ terms, state, problem }) {
      if (!terms) return;
      const key = JSON.stringify([terms, state.state, problem, actions.termsOpen()]);
      if (key === last) return;
      last = key;
      // The focused button is replaced: the new one gets the focus.
      const focused =
        body.contains(document.activeElement) || foot.contains(document.activeElement)
          ? document.activeElement?.getAttribute("data-key")
          : null;
      const mode = rewardMode(terms);
      const label = terms.pay
        ? t(terms.pay.on ? "playPaid" : "playPreview")
        : mode === "none" || mode === "locked" || mode === "asks"
          ? t("listenWithout")
          : t("play");
      const play = press(
        h(
          "button",
          { type: "button", class: "btn primary big", "data-key": "play", disabled: state.state === "loading" },
          icon("play"),
          label,
        ),
        () => actions.send({ type: "play" }),
      );
      const problemNote = h("div", { class: "note wrap", role: "alert", hidden: true });
      // What is missing is shown below, unless it is the budget.
      showProblemNote(
        problemNote,
        problem?.code === "site.budget" && terms.pay && terms.pay.need !== "budget" ? null : problem,
      );
      fill(
        body,
        head(terms, [clock(terms.duration_ms), terms.quality].filter(Boolean).join(" · "), play),
        problemNote,
        facts(terms, mode),
        terms.pay ? payNote(terms, terms.pay, actions) : null,
        walletNote(mode, actions),
        payees(terms),
        actions.termsOpen() ? allTerms(terms, true) : null,
      );
      const link = termsLink(actions, t("allTerms"));
      link.dataset.key = "terms";
      fill(foot, footNote("shield", t("signed")), link);
      if (focused)
        /** @type {HTMLElement | null} */ (document.querySelector(`[data-key="${focused}"]`))?.focus({
          preventScroll: true,
        });
    },
  };
}

/**
 * The terms as sentences.
 * @param {Terms} terms
 * @param {ReturnType<typeof rewardMode>} mode
 */
function facts(terms, mode) {
  if (!terms.facts) return null;
  const earn =
    mode === "earns" || mode === "unpaid" ? emphasise(terms.facts.earn, terms.reward_wei) : [t(`earn_${mode}`)];
  /** @type {[string, string, (Node | string)[]][]} */
  const rows = [
    ["may", t("factMay"), [terms.facts.may]],
    ["again", t("factLeft"), [terms.facts.left]],
    ["tag", t("factCosts"), emphasise(terms.facts.costs)],
    ["coin", t("factEarn"), earn],
  ];
  return h(
    "dl",
    { class: "facts" },
    rows.map(([shape, name, words]) => h("div", null, icon(shape), h("dt", null, name), h("dd", null, words))),
  );
}

/**
 * A note for a fan without rewards, with a button that opens the extension's own page.
 * @param {ReturnType<typeof rewardMode>} mode
 * @param {import("./view.js").Actions} actions
 */
function walletNote(mode, actions) {
  if (mode === "earns" || mode === "unpaid" || mode === "capped") return null;
  const [label, action] =
    mode === "none" ? [t("walletAction_none"), actions.openOnboarding] : [t("openGomaa"), actions.open];
  return h(
    "div",
    { class: "note mid wrap" },
    icon(mode === "locked" ? "lock" : "coin"),
    h("span", { class: "grow" }, t(`walletNote_${mode}`)),
    press(h("button", { type: "button", class: "btn small", "data-key": "wallet" }, label), () => action()),
  );
}

/**
 * The price of a song that the listener pays, and what is missing before it may cost anything.
 * @param {Terms} terms
 * @param {import("./model.js").Pay} pay
 * @param {import("./view.js").Actions} actions
 */
function payNote(terms, pay, actions) {
  const each = t("payEach", show(pay.each_wei), String(terms.interval_s));
  const words = pay.need === null ? t("payLeft", show(pay.left_wei)) : t(`payNeed_${pay.need}`);
  const open = pay.need === "wallet" && terms.wallet === "none" ? () => actions.openOnboarding() : () => actions.open();
  return h(
    "div",
    { class: "note mid wrap", "data-key": "pay" },
    icon("tag"),
    h("span", { class: "grow" }, h("b", null, each), " ", words),
    pay.need === null || pay.need === "inside"
      ? null
      : press(h("button", { type: "button", class: "btn small", "data-key": "pay-open" }, t("openGomaa")), open),
  );
}

/** The payees and their amounts. @param {Terms} terms */
function payees(terms) {
  const sums = paymentOf(terms);
  if (!sums) return h("p", { class: "s dim" }, t("nobodyPaid"));
  // \uE000 marks the amount within the sentence.
  const station = terms.payer === "listener" ? t("you") : (terms.station?.name ?? t("theStation"));
  const [start, end] = t(terms.payer === "listener" ? "youPayWhole" : "paysWhole", station, "\uE000").split("\uE000");
  const total = amount(sums.total);
  total.append(" GoMAA");
  return h(
    "div",
    { class: "paid" },
    h("p", { class: "s dim" }, start, total, end),
    split([
      { kind: "band", name: terms.artist || t("theBand"), wei: sums.owner },
      { kind: "fan", name: t("you"), wei: sums.listener },
      { kind: "platform", name: "iMediaStreams", wei: sums.commission },
    ]),
  );
}
