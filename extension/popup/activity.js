/**
 * All activity, newest first, by day.
 */

import { h } from "../ui/dom.js";
import { eye } from "../ui/eye.js";
import { language, t } from "../ui/text.js";
import { doneNote, failureNote, itemRow, middle, tabs, topBar } from "./frame.js";

/**
 * @param {import("./popup.js").App} app
 * @returns {Node[]}
 */
export function activity(app) {
  const items = app.model.summary?.activity ?? [];
  /** @type {Map<string, HTMLElement[]>} */
  const days = new Map();
  items.forEach((item, i) => {
    const day = dayOf(item.time_s);
    days.set(day, [...(days.get(day) ?? []), itemRow(app, item, i)]);
  });
  const lists = [...days].map(([day, rows]) => h("section", { class: "stack z" }, h("h2", { class: "day" }, day), h("ul", { class: "list items" }, rows)));
  return [
    topBar(app, t("tabActivity")),
    middle(failureNote(app), doneNote(app), ...lists, items.length ? null : h("section", { class: "card empty" }, eye(0.12, "big").node, h("h2", null, t("emptyTitle")), h("p", null, t("emptyLead")))),
    tabs(app, "activity"),
  ];
}

/** @param {number} timeS */
function dayOf(timeS) {
  const date = new Date(timeS * 1000);
  if (date.toDateString() === new Date().toDateString()) return t("today");
  return new Intl.DateTimeFormat(language(), { weekday: "long", month: "long", day: "numeric" }).format(date);
}
