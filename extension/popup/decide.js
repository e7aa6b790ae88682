/**
 * What waits for a decision: whether to collect at a station, whether music moves here from another tab, and what a
 * song costs. These stand in the
 * extension's own window and nowhere else, above whatever else the popup shows. A button wakes a moment after it is
 * seen: a press meant for a page decides nothing.
 */

import { show } from "../ui/amounts.js";
import { fill, h, press, set } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { wakeDelay } from "../ui/wake_delay.js";
import { t } from "../ui/text.js";
import { siteName } from "./frame.js";

/** @typedef {{station: string, domain: string, name: string}} Question */
/** @typedef {{stream: string, title: string, artist: string, origin: string}} Takeover */
/**
 * @typedef {{title: string, artist: string, origin: string, interval_s: number | null, each_wei: string, left_wei:
 *   string, on: boolean, need: string | null, facts: {costs: string, left: string, may: string, limits: string[]} |
 *   null}} Cost
 */
/** @typedef {{questions?: Question[], takeovers?: Takeover[], costs?: Cost[]}} Told */
/**
 * @typedef {{ask: (type: string, fields?: object) => Promise<any>, say: (text: string) => void, goSites: () => void}}
 *   Shell
 */

export class Decisions {
  #last = "";

  /** @param {HTMLElement} place @param {Shell} shell */
  constructor(place, shell) {
    this.place = place;
    this.shell = shell;
    set(place, { tabindex: 0, role: "region", "aria-label": t("decideTitle") });
    this.sleep = wakeDelay((is) => {
      // A button that had the focus would be pressed by a key that is held when it wakes.
      if (is && place.contains(document.activeElement)) place.focus({ preventScroll: true });
      for (const button of place.querySelectorAll("button")) button.disabled = is;
    });
  }

  /** Ask anew what waits, and show it where it is another. */
  look() {
    this.shell.ask("wallet.decisions").then(
      (decisions) => this.#show(decisions),
      () => undefined,
    );
  }

  /** @param {Told} told */
  #show({ questions = [], takeovers = [], costs = [] }) {
    const key = JSON.stringify([questions, takeovers, costs]);
    if (key === this.#last) return;
    this.#last = key;
    this.place.hidden = questions.length + takeovers.length + costs.length === 0;
    fill(
      this.place,
      this.place.hidden ? null : h("h2", { class: "h" }, t("decideTitle")),
      takeovers.map((one) => this.#takeover(one)),
      questions.map((one) => this.#question(one)),
      costs.map((one) => this.#cost(one)),
    );
    this.sleep();
  }

  /** @param {Takeover} one */
  #takeover({ stream, title, artist, origin }) {
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
      this.#button("takeover", t("playHere"), "primary", () => this.shell.ask("wallet.takeover", { stream })),
    );
  }

  /** @param {Question} one */
  #question({ station, domain, name }) {
    const answer = (/** @type {boolean} */ collect) => this.shell.ask("wallet.collect.answer", { station, collect });
    return card(
      "coin",
      t("collectTitle", name || domain),
      [h("p", { class: "s dim" }, t("collectLead", domain))],
      this.#button("collect-no", t("collectNo"), "", () => answer(false)),
      this.#button("collect-yes", t("collectYes"), "primary", () => answer(true)),
    );
  }

  /** The terms in words; what is missing is given under Sites. @param {Cost} one */
  #cost({ title, artist, origin, interval_s, each_wei, left_wei, need, facts }) {
    const words = [facts?.costs, facts?.left, facts?.may, ...(facts?.limits ?? [])].filter(Boolean);
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
          words.map((text) => h("li", null, text)),
        ),
        h("p", { class: "xs faint" }, siteName(origin)),
      ],
      this.#button("cost-sites", t("costSites"), "", async () => this.shell.goSites()),
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
      this.look();
    });
  }
}

/** @param {string} shape @param {string} title @param {Node[]} words @param {...HTMLElement} buttons */
function card(shape, title, words, ...buttons) {
  return h(
    "section",
    { class: "card stack t" },
    h("div", { class: "row tight" }, icon(shape, "m"), h("h3", { class: "s grow" }, title)),
    words,
    h("div", { class: "row tight wrap" }, buttons),
  );
}
