/**
 * Points at one station: the account, its offers and the passes.
 */

import { fill, h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { language, t } from "../ui/text.js";
import { LatestResponse } from "../ui/latest_response.js";
import { moment } from "../ui/time.js";

const POLL_POINTS_MS = 5_000;

/** @typedef {import("./app.js").App} App */
/** @typedef {import("../shared/wallet_sites.d.ts").PointsAccount} Account */

/**
 * A card that is polled; empty where the station has no points or the wallet is locked.
 * @param {App} app
 * @param {string} origin
 * @returns {HTMLElement}
 */
export function points(app, origin) {
  const box = h("div", { class: "stack t", "data-key": "points" });
  const responses = new LatestResponse();
  let last = "";
  /** Executes a command, such as "buy NAME POINTS", and draws the account. @param {string} command */
  const execute = async (command) => {
    const response = await responses.of(() => app.request("wallet.points", { origin, what: command }));
    if (!response) return;
    const { account } = response;
    const content = JSON.stringify(account);
    if (content === last) return;
    last = content;
    if (account?.open) await chrome.tabs.create({ url: account.open });
    fill(box, account && (account.offers.length || account.points) ? card(account, execute, app) : null);
  };
  const refresh = () => void execute("look").catch(() => undefined);
  refresh();
  // Points follow the vouchers, which come after the playback.
  const timer = setInterval(() => (box.isConnected ? refresh() : clearInterval(timer)), POLL_POINTS_MS);
  return box;
}

/** A text with a smaller one below it. @param {string} text @param {string} below */
const twoLines = (text, below) =>
  h("span", { class: "grow stack z" }, h("span", null, text), h("span", { class: "xs faint num" }, below));

/** @param {Account} account @param {(command: string) => Promise<void>} execute @param {App} app */
function card(account, execute, app) {
  /** @param {string} key @param {string} name @param {string} command @param {boolean} disabled */
  const button = (key, name, command, disabled = false) =>
    press(h("button", { type: "button", class: "btn small", "data-key": key, disabled }, name), () =>
      execute(command).catch((error) => app.fail(error)),
    );
  const usable = account.passes.filter(
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
          twoLines(text, t("pointsCost", cost)),
          button(`get-${name}`, t("pointsGet"), `buy ${name} ${account.points}`, cost > account.points),
        ),
      ),
      usable.map(({ serial, text, ends_s, redeemed_s }) =>
        h(
          "li",
          null,
          icon("check"),
          twoLines(text, t("passUntil", moment(ends_s, language()))),
          redeemed_s === null
            ? button(`use-${serial}`, t("passUse"), `redeem ${serial}`)
            : h("span", { class: "s dim" }, t("passInUse")),
        ),
      ),
    ),
  );
}
