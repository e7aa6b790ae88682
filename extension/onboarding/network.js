/**
 * The page "network": a network that a station offers, which the host gets after confirmation. Opened by a player.
 */

import { fill, h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { enableDelay } from "../ui/enable_delay.js";
import { problemTexts, t } from "../ui/text.js";

/** @typedef {import("../shared/wallet_state.d.ts").NetworkOffer} Offer */

/**
 * @param {import("./app.js").App} app
 * @returns {HTMLElement}
 */
export function network(app) {
  const { site } = app.draft;
  const card = h("section", { class: "card stack" }, h("p", { role: "status" }, t("networkAsking")));
  const draw = (/** @type {Offer} */ offer) => {
    /** @type {[string, string][]} */
    const rows = [
      [t("chainName"), String(offer.chain_id)],
      [t("networkNode"), offer.node],
      [t("networkToken"), offer.token],
      [t("networkSettlement"), offer.settlement],
      [t("networkRegistry"), offer.registry],
    ];
    const facts = h(
      "dl",
      { class: "facts" },
      rows.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", { class: "mono" }, value))),
    );
    if (offer.known) return fill(card, facts, note("networkKnown"));
    let busy = false;
    const add = press(
      h("button", { type: "button", class: "btn primary big", "data-key": "add" }, t("networkAdd")),
      async () => {
        add.disabled = busy = true;
        app.say(t("networkProving"));
        try {
          await app.request("network.add", { offer: offer.offer });
          app.say(t("networkAdded"));
          fill(card, facts, note("networkAdded"));
        } catch (error) {
          add.disabled = busy = false;
          failed(/** @type {{code?: string}} */ (error), facts, add);
        }
      },
    );
    fill(
      card,
      facts,
      h("p", { class: "s dim" }, t("networkTrust")),
      h("div", { class: "row between" }, later(app), add),
    );
    // The station decides when the button appears, perhaps under a press: it is enabled after a delay.
    enableDelay((isDisabled) => {
      add.disabled = isDisabled || busy;
    });
    return undefined;
  };
  const failed = (/** @type {{code?: string}} */ error, /** @type {(Node | null)[]} */ ...rest) => {
    const { code, cause, fix } = problemTexts(error);
    fill(
      card,
      h(
        "div",
        { class: "note dial wrap", role: "alert" },
        icon("info"),
        h("span", { class: "grow" }, h("b", null, cause), " ", fix, " ", h("code", { class: "xs" }, code)),
      ),
      rest,
    );
  };
  const load = () => {
    app
      .request("network.offer", { origin: site })
      .then(draw, (error) =>
        failed(
          error,
          h(
            "div",
            { class: "row between" },
            later(app),
            press(h("button", { type: "button", class: "btn primary" }, t("tryAgain")), load),
          ),
        ),
      );
  };
  load();
  return h(
    "div",
    null,
    h("div", null, h("h1", null, t("networkTitle")), h("p", { class: "lead" }, t("networkLead", site))),
    card,
  );
}

/** @param {string} key */
const note = (key) => h("div", { class: "note good", role: "status" }, icon("settled"), h("span", null, t(key)));

/** @param {import("./app.js").App} app */
const later = (app) =>
  press(h("button", { type: "button", class: "btn quiet flush" }, t("networkLater")), () => app.go("computer"));
