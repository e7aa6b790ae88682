/**
 * All terms: what the artist has signed and what is on the chain, opened by a link or the key T.
 */

import { exact } from "../ui/amounts.js";
import { h } from "../ui/dom.js";
import { t } from "../ui/text.js";
import { paymentOf, rewardMode } from "./model.js";

/** @typedef {import("./model.js").Terms} Terms */

/**
 * Creates the list.
 * @param {Terms} terms
 * @param {boolean} [factsShown] the four sentences are shown above
 * @returns {HTMLElement}
 */
export function allTerms(terms, factsShown = false) {
  const facts = terms.facts;
  const sums = paymentOf(terms);
  /** @type {[string, string | null | undefined, boolean?][]} */
  const lines = [
    [t("factMay"), factsShown ? null : facts?.may],
    [t("factLeft"), factsShown ? null : facts?.left],
    [t("factCosts"), factsShown ? null : facts?.costs],
    [t("factEarn"), !factsShown && rewardMode(terms) === "earns" ? facts?.earn : null],
    [t("termsStationPays"), sums ? exact(sums.total) : t("nobodyPays")],
    [t("termsBandGets"), sums ? exact(sums.owner) : null],
    [t("termsYouGet"), sums && sums.listener > 0n ? exact(sums.listener) : null],
    [t("termsCommission"), sums ? exact(sums.commission) : null],
    [t("termsInterval"), terms.interval_s ? t("termsIntervalValue", terms.interval_s) : null],
    [t("termsSite"), terms.station ? `${terms.station.name} (${terms.station.domain})` : t("termsNoStation")],
    [t("termsQuality"), terms.quality],
    [t("termsContent"), terms.content, true],
    [t("termsOwner"), terms.owner, true],
    [t("termsServer"), terms.server, true],
  ];
  const rows = lines
    .filter(([, value]) => Boolean(value))
    .map(([name, value, code]) => [
      h("dt", null, name),
      h("dd", null, code ? h("code", null, value ?? "") : (value ?? "")),
    ]);
  return h(
    "section",
    { class: "terms", id: "terms", "aria-label": t("allTerms") },
    h("h2", { class: "h" }, t("allTerms")),
    facts?.limits?.length
      ? h(
          "ul",
          null,
          facts.limits.map((limit) => h("li", null, limit)),
        )
      : null,
    h("dl", null, rows.flat()),
    h("p", { class: "xs faint" }, t("termsRecorded")),
  );
}
