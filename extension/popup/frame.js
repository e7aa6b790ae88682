/**
 * Parts that the popup's screens share: header, tabs, rows.
 */

import { h, press } from "../ui/dom.js";
import { artwork } from "../ui/artwork.js";
import { icon, iconButton, mark } from "../ui/icons.js";
import { amount, moneyState } from "../ui/pieces.js";
import { moment } from "../ui/time.js";
import { language, problemTexts, t } from "../ui/text.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").Item} Item */

/**
 * The header of a tab: logo, title, state of the host, lock button.
 * @param {App} app
 * @param {string} title
 */
export function topBar(app, title) {
  return h(
    "header",
    null,
    mark(26),
    h("h1", null, title),
    hostChip(app),
    press(iconButton("lock", t("lock"), "small"), async () => {
      await app.request("wallet.lock").catch(() => {});
      await app.refresh();
    }),
  );
}

/** The state of the host. @param {App} app */
function hostChip(app) {
  const { host } = app.model;
  if (!host) return null;
  if (host.state === "connected") return h("span", { class: "chip" }, icon("plug", "m"), t("hostOn"));
  return press(
    h("button", { type: "button", class: "chip dial", "data-key": "host" }, icon("plug", "m"), t("hostOff")),
    () => app.go("settings"),
  );
}

/**
 * The header of a screen below a tab.
 * @param {App} app
 * @param {string} title
 * @param {import("./app.js").Screen} screen the one that the button opens
 */
export function backBar(app, title, screen) {
  return h(
    "header",
    null,
    press(iconButton("back", t("back"), "small"), () => app.go(screen)),
    h("h1", null, title),
  );
}

/**
 * The part that scrolls.
 * @param {...(Node | null | false)} children
 */
export function middle(...children) {
  return h("main", { tabindex: 0 }, children);
}

/**
 * The tabs.
 * @param {App} app
 * @param {"home" | "activity" | "sites" | "settings"} current the present one
 */
export function tabs(app, current) {
  /** @type {["home" | "activity" | "sites" | "settings", string, string][]} */
  const all = [
    ["home", "home", t("tabHome")],
    ["activity", "list", t("tabActivity")],
    ["sites", "globe", t("tabSites")],
    ["settings", "settings", t("tabSettings")],
  ];
  return h(
    "nav",
    { "aria-label": "GoMAA" },
    all.map(([screen, shape, name]) =>
      press(
        h(
          "button",
          { type: "button", "data-key": `tab-${screen}`, "aria-current": screen === current ? "page" : null },
          icon(shape),
          name,
        ),
        () => app.go(screen),
      ),
    ),
  );
}

/**
 * A whole address, in groups that are easy to compare.
 * @param {string} text 0x-hex
 */
export function address(text) {
  return h(
    "p",
    { class: "mono address" },
    (text.match(/^0x.{4}|.{1,4}/g) ?? []).map((part) => [h("span", null, part), h("wbr")]).flat(),
  );
}

/**
 * A site's name: its origin, without "https://".
 * @param {string} origin
 */
export const siteName = (origin) => (origin === "file://" ? t("siteFiles") : origin.replace(/^https:\/\//, ""));

/** An abbreviated address: its first and last characters. @param {string} text */
export const short = (text) => (text.length > 14 ? `${text.slice(0, 8)}…${text.slice(-6)}` : text);

/** The sign of an amount: minus if sent, plus if received or earned, none if refused. @param {Item} item */
export const signOf = (item) => (item.kind === "sent" ? "−" : item.state === "refused" ? "" : "+");

/** The title of a line. @param {Item} item */
export function titleOf(item) {
  if (item.kind) return t(item.kind === "sent" ? "sentTo" : "receivedFrom", item.name || short(item.other ?? ""));
  return item.title || t("aSong");
}

/** The state of the money of a line. @param {Item} item */
export function stateOf(item) {
  const transferText = !item.kind
    ? ""
    : item.state === "pending"
      ? t("stateUnderWay")
      : item.state === "refused"
        ? t("stateFailed")
        : "";
  return moneyState(item.state, transferText || undefined);
}

/** The note about the action before. @param {App} app */
export function doneNote(app) {
  return app.model.note
    ? h("div", { class: "note good", role: "status" }, icon("settled"), h("span", null, app.model.note))
    : null;
}

/**
 * A line of activity, which opens its origin.
 * @param {App} app
 * @param {Item} item
 * @param {number} index
 */
export function itemRow(app, item, index) {
  const subject = item.kind
    ? ""
    : item.state === "refused"
      ? problemTexts({ code: item.code ?? "internal" }).cause
      : (item.station ?? t("noStation"));
  const line = [subject, moment(item.time_s, language())].filter(Boolean).join(" · ");
  return h(
    "li",
    null,
    press(
      h(
        "button",
        { type: "button", class: "item", "data-key": `item-${index}` },
        item.kind
          ? h("span", { class: "disc" }, icon(item.kind === "sent" ? "send" : "receive"))
          : artwork(item.content, "tiny"),
        h(
          "span",
          { class: "grow stack z" },
          h("span", { class: "clip", title: titleOf(item) }, titleOf(item)),
          h("span", { class: "xs faint clip", title: line }, line),
        ),
        h("span", { class: "amt" }, amount(item.amount_wei, signOf(item)), stateOf(item)),
      ),
      () => app.go("origin", item),
    ),
  );
}

/**
 * A failure, above what is shown.
 * @param {App} app
 */
export function failureNote(app) {
  const { failure } = app.model;
  if (!failure) return null;
  const { code, cause, fix } = problemTexts(failure);
  return h(
    "div",
    { class: "note dial", role: "alert" },
    icon("info"),
    h("span", { class: "grow" }, h("b", null, cause), " ", fix, " ", h("code", { class: "xs" }, code)),
  );
}
