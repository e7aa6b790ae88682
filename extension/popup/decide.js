/**
 * Pending decisions: whether to collect at a station, whether playback moves here from another tab, and what a song
 * costs. They are in the extension's own windows only, above the popup's screens. Buttons are enabled after a delay: a
 * press that was meant for a page decides nothing.
 */

import { show } from "../ui/amounts.js";
import { fill, h, press, set } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { enableDelay } from "../ui/enable_delay.js";
import { t } from "../ui/text.js";
import { siteName } from "./frame.js";

/** @typedef {import("../shared/wallet_sites.d.ts").CollectQuestion} CollectQuestion */
/** @typedef {import("../shared/wallet_sites.d.ts").CostQuestion} CostQuestion */
/** @typedef {import("../shared/wallet_sites.d.ts").Decisions} Decisions */
/** @typedef {import("../shared/wallet_sites.d.ts").Takeover} Takeover */
/** @typedef {import("./app.js").App} App */

/** A list of cards, one for each decision. */
export class DecisionList {
  #drawn = "";

  /** @param {HTMLElement} root @param {App["request"]} request @param {() => void} openSites */
  constructor(root, request, openSites) {
    this.root = root;
    this.request = request;
    this.openSites = openSites;
    set(root, { tabindex: 0, role: "region", "aria-label": t("decideTitle") });
    this.restartDelay = enableDelay((isDisabled) => {
      // A focused button would be pressed by a key that is held when it is enabled.
      if (isDisabled && root.contains(document.activeElement)) root.focus({ preventScroll: true });
      for (const button of root.querySelectorAll("button")) button.disabled = isDisabled;
    });
  }

  /** Reads the pending decisions, and draws them where they have changed. */
  refresh() {
    this.request("wallet.decisions").then(
      (decisions) => this.#draw(decisions),
      () => undefined,
    );
  }

  /** @param {Decisions} decisions */
  #draw({ questions = [], takeovers = [], costs = [] }) {
    const key = JSON.stringify([questions, takeovers, costs]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.root.hidden = questions.length + takeovers.length + costs.length === 0;
    fill(
      this.root,
      this.root.hidden ? null : h("h2", { class: "h" }, t("decideTitle")),
      takeovers.map((takeover) => this.#takeoverCard(takeover)),
      questions.map((question) => this.#collectCard(question)),
      costs.map((question) => this.#costCard(question)),
    );
    this.restartDelay();
  }

  /** @param {Takeover} takeover */
  #takeoverCard({ stream, title, artist, origin }) {
    return card(
      "music",
      t("takeoverTitle"),
      [
        h(
          "p",
          { class: "s dim" },
          t("takeoverLead", [title, artist].filter(Boolean).join(" · ") || t("aSong"), siteName(origin)),
        ),
      ],
      this.#button("takeover", t("playHere"), "primary", () => this.request("wallet.takeover", { stream })),
    );
  }

  /** @param {CollectQuestion} question */
  #collectCard({ station, domain, name }) {
    const answer = (/** @type {boolean} */ collect) => this.request("wallet.collect.answer", { station, collect });
    return card(
      "coin",
      t("collectTitle", name || domain),
      [h("p", { class: "s dim" }, t("collectLead", domain))],
      this.#button("collect-no", t("collectNo"), "", () => answer(false)),
      this.#button("collect-yes", t("collectYes"), "primary", () => answer(true)),
    );
  }

  /** The price and the terms; the budget is set on the screen "sites". @param {CostQuestion} question */
  #costCard({ title, artist, origin, interval_s, each_wei, left_wei, need, facts }) {
    const terms = [facts?.costs, facts?.left, facts?.may, ...(facts?.limits ?? [])].filter(Boolean);
    return card(
      "tag",
      t("costTitle", [title, artist].filter(Boolean).join(" · ") || t("aSong")),
      [
        h(
          "p",
          { class: "s" },
          h("b", null, t("payEach", show(each_wei), String(interval_s ?? ""))),
          " ",
          need === null ? t("payLeft", show(left_wei)) : t(`payNeed_${need}`),
        ),
        h(
          "ul",
          { class: "s dim" },
          terms.map((text) => h("li", null, text)),
        ),
        h("p", { class: "xs faint" }, siteName(origin)),
      ],
      this.#button("cost-sites", t("costSites"), "", async () => this.openSites()),
    );
  }

  /** @param {string} key @param {string} label @param {string} kind @param {() => Promise<unknown>} act */
  #button(key, label, kind, act) {
    const button = h(
      "button",
      { type: "button", class: `btn small ${kind}`.trim(), "data-key": key, disabled: true },
      label,
    );
    return press(button, async () => {
      button.disabled = true;
      await act().catch(() => undefined);
      this.refresh();
    });
  }
}

/** @param {string} shape @param {string} title @param {Node[]} content @param {...HTMLElement} buttons */
function card(shape, title, content, ...buttons) {
  return h(
    "section",
    { class: "card stack t" },
    h("div", { class: "row tight" }, icon(shape, "m"), h("h3", { class: "s grow" }, title)),
    content,
    h("div", { class: "row tight wrap" }, buttons),
  );
}
