/**
 * Points at one station: what there is, what it buys, the passes that were bought.
 */

import { fill, h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { language, t } from "../ui/text.js";
import { moment } from "../ui/time.js";

const POLL_POINTS_MS = 5_000;

/** @typedef {import("./popup.js").App} App */
/** @typedef {import("../engine/wallet/points.js").PointsAccount} Account */

/**
 * A card that fills itself; nothing where the station has no points or the wallet is locked.
 * @param {App} app
 * @param {string} origin
 * @returns {HTMLElement}
 */
export function points(app, origin) {
  const box = h("div", { class: "stack t", "data-key": "points" });
  let last = "";
  let lastRequest = 0;
  let latest = 0;
  /** @param {string} what */
  const ask = async (what) => {
    const current = ++lastRequest;
    /** @type {{account: Account | null}} */
    const { account } = await app.ask("wallet.points", { origin, what });
    // An older answer never takes the place of a newer one.
    if (current < latest) return;
    latest = current;
    const content = JSON.stringify(account);
    if (content === last) return;
    last = content;
    if (account?.open) await chrome.tabs.create({ url: account.open });
    fill(box, account && (account.offers.length || account.points) ? card(account, ask, app) : null);
  };
  const look = () => void ask("look").catch(() => undefined);
  look();
  // What was heard a moment ago is vouched for a moment later.
  const timer = setInterval(() => (box.isConnected ? look() : clearInterval(timer)), POLL_POINTS_MS);
  return box;
}

/** @param {string} text @param {string} below */
const two = (text, below) =>
  h("span", { class: "grow stack z" }, h("span", null, text), h("span", { class: "xs faint num" }, below));

/** @param {Account} account @param {(what: string) => Promise<void>} ask @param {App} app */
function card(account, ask, app) {
  /** @param {string} key @param {string} name @param {string} what @param {boolean} disabled */
  const button = (key, name, what, disabled = false) =>
    press(h("button", { type: "button", class: "btn small", "data-key": key, disabled }, name), () =>
      ask(what).catch((error) => app.fail(error)),
    );
  const held = account.passes.filter(
    ({ ends_s, kind, redeemed_s }) => ends_s * 1000 > Date.now() && (kind === "ad-free" || redeemed_s === null),
  );
  return h(
    "section",
    { class: "card stack t" },
    h(
      "div",
      { class: "row between" },
      h("h2", { class: "h" }, t("pointsTitle")),
      h("b", { class: "num", "data-key": "points-left" }, String(account.points)),
    ),
    h("p", { class: "s dim" }, t("pointsRules", account.points_per_minute, account.minimum_s, account.cap_per_day)),
    h(
      "ul",
      { class: "list" },
      account.offers.map(({ name, text, cost }) =>
        h(
          "li",
          null,
          icon("tag"),
          two(text, t("pointsCost", cost)),
          button(`get-${name}`, t("pointsGet"), `buy ${name} ${account.points}`, cost > account.points),
        ),
      ),
      held.map(({ serial, text, ends_s, redeemed_s }) =>
        h(
          "li",
          null,
          icon("check"),
          two(text, t("passUntil", moment(ends_s, language()))),
          redeemed_s === null
            ? button(`use-${serial}`, t("passUse"), `redeem ${serial}`)
            : h("span", { class: "s dim" }, t("passInUse")),
        ),
      ),
    ),
  );
}
