/**
 * All activity, newest first, by day.
 */

import { h, press } from "../ui/dom.js";
import { rewardMeter } from "../ui/reward_meter.js";
import { language, t } from "../ui/text.js";
import { doneNote, failureNote, itemRow, middle, tabs, topBar } from "./frame.js";

/** Most rewards in a summary; further ones are read by the page. */
const SUMMARY_REWARDS = 100;

/**
 * @param {import("./app.js").App} app
 * @returns {Node[]}
 */
export function activity(app) {
  const { older } = app.model;
  const newest = app.model.summary?.activity ?? [];
  const listed = new Set(newest.map(idOf));
  const items = [...newest, ...(older?.items ?? []).filter((item) => !listed.has(idOf(item)))].sort(
    (a, b) => b.time_s - a.time_s,
  );
  /** @type {Map<string, HTMLElement[]>} */
  const days = new Map();
  items.forEach((item, i) => {
    const day = dayOf(item.time_s);
    days.set(day, [...(days.get(day) ?? []), itemRow(app, item, i)]);
  });
  const lists = [...days].map(([day, rows]) =>
    h("section", { class: "stack z" }, h("h2", { class: "day" }, day), h("ul", { class: "list items" }, rows)),
  );
  return [
    topBar(app, t("tabActivity")),
    middle(
      failureNote(app),
      doneNote(app),
      ...lists,
      moreButton(app),
      items.length
        ? null
        : h(
            "section",
            { class: "card empty" },
            rewardMeter(0.12, "big").node,
            h("h2", null, t("emptyTitle")),
            h("p", null, t("emptyLead")),
          ),
    ),
    tabs(app, "activity"),
  ];
}

/** Identifies a line. @param {import("./app.js").Item} item */
const idOf = ({ server, epoch, payee, transaction, content, time_s }) =>
  server ? `${server}/${epoch}/${payee}` : `${transaction ?? content}/${time_s}`;

/** A button that reads the next page. @param {import("./app.js").App} app */
function moreButton(app) {
  const { summary, older } = app.model;
  const mayHaveMore = (summary?.activity ?? []).filter(({ server }) => server).length >= SUMMARY_REWARDS;
  if (older ? !older.next : !mayHaveMore) return null;
  return press(h("button", { type: "button", class: "btn wide", "data-key": "more" }, t("moreActivity")), async () => {
    const page = await app.request("wallet.activity", older?.next ? { after: older.next } : {});
    app.model.older = { items: [...(older?.items ?? []), ...page.activity], next: page.next };
    app.render();
  });
}

/** The heading of a day. @param {number} timeS Unix seconds */
function dayOf(timeS) {
  const date = new Date(timeS * 1000);
  if (date.toDateString() === new Date().toDateString()) return t("today");
  return new Intl.DateTimeFormat(language(), { weekday: "long", month: "long", day: "numeric" }).format(date);
}
