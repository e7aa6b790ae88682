/**
 * Home: the balance, the rewards of today and pending ones, the song that plays, and the newest activity.
 */

import { artwork } from "../ui/artwork.js";
import { exact, show, wei } from "../ui/amounts.js";
import { h, press, write } from "../ui/dom.js";
import { rewardMeter } from "../ui/reward_meter.js";
import { icon } from "../ui/icons.js";
import { amount, moneyState } from "../ui/pieces.js";
import { clock, moment } from "../ui/time.js";
import { plural, language, problemTexts, t } from "../ui/text.js";
import { failureNote, itemRow, middle, tabs, topBar } from "./frame.js";

/** @typedef {import("./app.js").App} App */

const RECENT = 4;

/**
 * The screen "home".
 * @param {App} app
 * @returns {Node[]}
 */
export function home(app) {
  const { summary, playing } = app.model;
  const items = summary?.activity ?? [];
  return [
    topBar(app, "GoMAA"),
    middle(
      balance(app),
      claimNote(app),
      failureNote(app),
      searchNote(app),
      playing ? nowPlaying(app, playing) : null,
      !summary
        ? null
        : items.length === 0 && !playing
          ? nothingYet()
          : h(
              "section",
              { class: "stack z" },
              h(
                "div",
                { class: "row between" },
                h("h2", { class: "h" }, t("recent")),
                items.length > RECENT
                  ? press(h("button", { type: "button", class: "link s", "data-key": "all" }, t("allActivity")), () =>
                      app.go("activity"),
                    )
                  : null,
              ),
              items.length
                ? h(
                    "ul",
                    { class: "list items" },
                    items.slice(0, RECENT).map((item, i) => itemRow(app, item, i)),
                  )
                : h("p", { class: "s dim" }, t("firstRewardSoon")),
            ),
    ),
    tabs(app, "home"),
  ];
}

/** @param {App} app */
function balance(app) {
  const { summary } = app.model;
  // An unknown amount is not zero.
  const text = summary && summary.spendable_wei !== null ? show(summary.spendable_wei) : "–";
  const pending = wei(summary?.pending_wei);
  const receive = press(
    h("button", { type: "button", class: "btn", "data-key": "receive" }, icon("receive"), t("receive")),
    () => app.go("receive"),
  );
  const send = press(
    h(
      "button",
      { type: "button", class: "btn", "data-key": "send", disabled: !wei(summary?.spendable_wei) },
      icon("send"),
      t("send"),
    ),
    () => app.go("send"),
  );
  const due = summary?.due_s ? t("pendingDue", moment(summary.due_s, language())) : t("statePending");
  return h(
    "section",
    { class: "card" },
    h(
      "div",
      { class: "row between" },
      h("p", { class: "s dim" }, t("youCanSpend")),
      summary && summary.spendable_wei !== null
        ? moneyState("claimed")
        : summary
          ? moneyState("pending", t("trying"))
          : null,
    ),
    h(
      "p",
      {
        class: `balance ${text.length > 11 ? "long" : ""}`.trim(),
        title: summary && summary.spendable_wei !== null ? exact(summary.spendable_wei) : null,
      },
      text,
      h("small", null, "GoMAA"),
    ),
    wei(summary?.private_wei) > 0n
      ? h("p", { class: "xs dim" }, t("privatePart", show(wei(summary?.private_wei))))
      : null,
    ...collecting(app),
    h("div", { class: "actions" }, send, receive),
    summary
      ? h(
          "div",
          { class: "pair" },
          h(
            "div",
            null,
            h("span", { class: "xs dim" }, t("earnedToday")),
            amount(summary.today_wei, wei(summary.today_wei) > 0n ? "+" : ""),
          ),
          h(
            "div",
            null,
            pending > 0n ? moneyState("pending", due) : h("span", { class: "xs dim" }, t("statePending")),
            amount(pending),
          ),
        )
      : null,
  );
}

/**
 * The automatic private collection, and a button for a claim to the account.
 * @param {App} app
 * @returns {(Node | null)[]}
 */
function collecting(app) {
  const { summary, claim } = app.model;
  if (!summary) return [];
  const { count = 0, until_s = null, code = null } = summary.claiming ?? {};
  const claimable = wei(summary.claimable_wei);
  const total = claimable + wei(summary.private_wei);
  return [
    claimable > 0n
      ? h(
          "p",
          { class: "xs dim" },
          count && until_s
            ? t("claimingUntil", show(claimable), moment(until_s, language()))
            : t("claimingSoon", show(claimable)),
        )
      : null,
    code ? h("p", { class: "xs dim" }, problemTexts({ code }).cause, " ", h("code", { class: "xs" }, code)) : null,
    total > 0n && !claim.isOpen
      ? press(h("button", { type: "button", class: "link xs", "data-key": "once" }, t("collectOnce")), () =>
          app.openClaim(true),
        )
      : null,
    total > 0n && claim.isOpen ? claimForm(app, total) : null,
  ];
}

/**
 * The form for a claim to the account: what the chain reveals, the fee, and the button.
 * @param {App} app
 * @param {bigint} sum
 */
function claimForm(app, sum) {
  const { summary, claim } = app.model;
  const most = wei(summary?.sweep_most_wei);
  const fee =
    wei(summary?.private_wei) === 0n
      ? null
      : most > 0n
        ? t("atPayeesFee", exact(most).replace(" GoMAA", ""), t("coin"))
        : t("atPayeesRelayed");
  return h(
    "div",
    { class: "note dial" },
    icon("info"),
    h(
      "div",
      { class: "grow stack t" },
      h("span", null, t("collectOnceShows")),
      fee ? h("span", { class: "xs" }, fee) : null,
      h(
        "div",
        { class: "row tight wrap" },
        press(
          h(
            "button",
            { type: "button", class: "btn small", "data-key": "claim", disabled: claim.busy },
            claim.busy ? t("collecting") : t("collectNow", show(sum)),
          ),
          () => void app.claim(),
        ),
        press(
          h("button", { type: "button", class: "btn small", "data-key": "not-once", disabled: claim.busy }, t("back")),
          () => app.openClaim(false),
        ),
      ),
    ),
  );
}

/**
 * Progress of the search for earlier rewards, and the servers that did not respond.
 * @param {App} app
 */
function searchNote({ model: { summary } }) {
  const { running = false, listed = 0, left = 0, away = [] } = summary?.search ?? {};
  if (running && left > 0)
    return h("p", { class: "s dim", role: "status" }, t("searchProgress", listed - left, listed));
  return away.length
    ? h(
        "ul",
        { class: "s dim" },
        away.map(({ epochs, url, server }) => h("li", null, t("searchAway", epochs, url ? new URL(url).host : server))),
      )
    : null;
}

/**
 * The result of a claim.
 * @param {App} app
 */
function claimNote(app) {
  const { done, failure } = app.model.claim;
  if (failure) {
    const { code, cause, fix } = problemTexts(failure);
    return h(
      "div",
      { class: "note dial", role: "alert" },
      icon("info"),
      h("span", { class: "grow" }, h("b", null, cause), " ", fix, " ", h("code", { class: "xs" }, code)),
    );
  }
  if (!done) return null;
  const sum = wei(done.amount_wei);
  const count = done.transactions?.length ?? 0;
  return h(
    "div",
    { class: sum > 0n ? "note good" : "note", role: "status" },
    icon(sum > 0n ? "settled" : "info"),
    h("span", null, sum > 0n ? plural("collected", count, show(sum)) : t("collectedNothing")),
  );
}

/**
 * @param {App} app
 * @param {import("../shared/wallet_earnings.d.ts").NowPlaying} playing
 */
function nowPlaying(app, playing) {
  const meter = rewardMeter(0, "small");
  const earned = h("b", { class: "num" });
  const position = h("span", { class: "xs dim num" });
  app.updatePlaying = (now) => {
    const interval = now.interval_s * 1000;
    meter.set(interval > 0 ? 1 - now.next_ms / interval : 0, now.state !== "playing");
    write(earned, `+${show(now.earned_wei)}`);
    earned.title = exact(now.earned_wei);
    write(position, clock(now.position_ms));
  };
  app.updatePlaying(playing);
  return h(
    "section",
    { class: "card now", "aria-label": t("nowPlaying") },
    artwork(playing.content),
    h(
      "span",
      { class: "grow stack z" },
      h("b", { class: "clip", title: playing.title }, playing.title),
      h("span", { class: "xs dim clip", title: playing.artist }, playing.artist),
    ),
    meter.node,
    h("span", { class: "amt" }, earned, position),
  );
}

function nothingYet() {
  return h(
    "section",
    { class: "card empty" },
    rewardMeter(0.12, "big").node,
    h("h2", null, t("emptyTitle")),
    h("p", null, t("emptyLead")),
  );
}
