/**
 * Settings, and the state of this computer with the remedy for its problem.
 */

import { h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { command, moneyState } from "../ui/pieces.js";
import { hostCommands, hostRemedy } from "../ui/host.js";
import { problemTexts, t } from "../ui/text.js";
import { COLLECT } from "../ui/collect.js";
import { doneNote, failureNote, middle, tabs, topBar } from "./frame.js";

/** @typedef {import("./app.js").App} App */

/**
 * @param {App} app
 * @returns {Node[]}
 */
export function settings(app) {
  const { status, host } = app.model;
  const collect = h(
    "select",
    { class: "select", id: "collect", "data-key": "collect" },
    COLLECT.map((value) => h("option", { value, selected: value === status?.collect }, t(`collect_${value}`))),
  );
  collect.addEventListener("change", async (event) => {
    if (!event.isTrusted) return;
    const choice = /** @type {import("../shared/wallet_state.d.ts").CollectChoice} */ (collect.value);
    await app.request("wallet.collect", { choice }).catch(() => {});
    await app.refresh();
  });
  const tracking = h("input", {
    class: "switch",
    type: "checkbox",
    role: "switch",
    id: "tracking",
    "data-key": "tracking",
    checked: status?.tracking ?? false,
  });
  tracking.addEventListener("change", async (event) => {
    if (!event.isTrusted) return;
    await app.request("wallet.tracking", { on: tracking.checked }).catch(() => {});
    await app.refresh();
  });
  return [
    topBar(app, t("tabSettings")),
    middle(
      failureNote(app),
      doneNote(app),
      host && host.state !== "connected" ? hostHelp(host) : null,
      group(
        t("settingsRewards"),
        h(
          "li",
          null,
          icon("coin"),
          h(
            "label",
            { class: "grow", for: "collect" },
            t("collectAt"),
            h("span", { class: "sub" }, t(`collectSub_${status?.collect ?? "always"}`)),
          ),
          collect,
        ),
        h(
          "li",
          null,
          icon("eye"),
          h(
            "label",
            { class: "grow", for: "tracking" },
            t("trackingOn"),
            h("span", { class: "sub" }, t("trackingSub")),
          ),
          tracking,
        ),
      ),
      group(
        t("settingsWallet"),
        linkRow(app, "coin", t("accounts"), "accounts"),
        linkRow(app, "list", t("addressBook"), "contacts"),
      ),
      group(
        t("settingsSafety"),
        h("li", null, icon("lock"), h("label", { class: "grow", for: "autolock" }, t("autoLock")), autoLock(app)),
        linkRow(app, "shield", t("changePassword"), "password"),
        linkRow(app, "hidden", t("yourWords"), "words"),
      ),
      group(
        t("settingsComputer"),
        valueRow("plug", t("hostName"), "", hostState(host)),
        host && host.state === "connected" ? network(app, host) : null,
        valueRow("globe", t("languageName"), t("languageSub"), h("span", { class: "s dim" }, t("languageOwn"))),
        valueRow("info", t("versionName"), "", h("span", { class: "s dim num" }, chrome.runtime.getManifest().version)),
        h(
          "li",
          null,
          h(
            "a",
            { class: "item", href: "/licences.txt", target: "_blank", "data-key": "licences" },
            icon("list"),
            h("span", { class: "grow" }, t("licences")),
            icon("next", "m"),
          ),
        ),
      ),
    ),
    tabs(app, "settings"),
  ];
}

/** @param {App} app */
function autoLock(app) {
  const { auto_lock_s: now = 0, auto_lock_choices: choices = [] } = app.model.status ?? {};
  const select = h(
    "select",
    { class: "select", id: "autolock", "data-key": "autolock" },
    [...new Set([...choices, now])]
      .sort((a, b) => a - b)
      .map((seconds) => h("option", { value: seconds, selected: seconds === now }, durationText(seconds))),
  );
  select.addEventListener("change", async (event) => {
    if (!event.isTrusted) return;
    await app.request("wallet.autolock", { seconds: Number(select.value) }).catch(() => {});
    await app.refresh();
  });
  return select;
}

/** @param {number} seconds */
const durationText = (seconds) =>
  seconds < 3600 ? t("minutes", Math.round(seconds / 60)) : t("hours", Math.round(seconds / 3600));

/**
 * A row that opens another screen.
 * @param {App} app
 * @param {string} shape
 * @param {string} name
 * @param {import("./app.js").Screen} screen
 * @param {Node | string} [value]
 */
function linkRow(app, shape, name, screen, value = "") {
  return h(
    "li",
    null,
    press(
      h(
        "button",
        { type: "button", class: "item", "data-key": screen },
        icon(shape),
        h("span", { class: "grow" }, name),
        value,
        icon("next", "m"),
      ),
      () => app.go(screen),
    ),
  );
}

/**
 * @param {string} title
 * @param {...(Node | null)} rows
 */
function group(title, ...rows) {
  return h("section", { class: "stack t" }, h("h2", { class: "h" }, title), h("ul", { class: "list card" }, rows));
}

/**
 * @param {string} shape
 * @param {string} name
 * @param {string} sub
 * @param {Node} value
 */
function valueRow(shape, name, sub, value) {
  return h(
    "li",
    null,
    icon(shape),
    h("span", { class: "grow" }, name, sub ? h("span", { class: "sub" }, sub) : null),
    value,
  );
}

/**
 * The network whose tokens are shown: one of the host's.
 * @param {App} app
 * @param {import("../shared/wallet_state.d.ts").HostStatus} host
 */
function network(app, host) {
  const networks = host.networks ?? [];
  const now = host.chain_id ?? networks[0];
  if (now === undefined) return null;
  if (networks.length < 2)
    return valueRow("globe", t("chainName"), t("chainSub"), h("span", { class: "s dim num" }, String(now)));
  const select = h(
    "select",
    { class: "select", id: "network", "data-key": "network" },
    networks.map((id) => h("option", { value: id, selected: id === now }, String(id))),
  );
  select.addEventListener("change", async (event) => {
    if (!event.isTrusted) return;
    await app.request("wallet.network", { chain_id: Number(select.value) }).catch(() => {});
    await app.refresh();
  });
  return h(
    "li",
    null,
    icon("globe"),
    h("label", { class: "grow", for: "network" }, t("chainName"), h("span", { class: "sub" }, t("chainSub"))),
    select,
  );
}

/** @param {import("../shared/wallet_state.d.ts").HostStatus | null} host */
function hostState(host) {
  if (!host) return moneyState("pending", t("looking"));
  if (host.state === "connected")
    return moneyState("claimed", host.version ? t("running", host.version) : t("connected"));
  return moneyState("refused", t(`host_${host.state}`));
}

/** @param {import("../shared/wallet_state.d.ts").HostStatus} host */
function hostHelp(host) {
  const code = host.code || `host.${host.state}`;
  const { cause, fix } = problemTexts({ code });
  const remedy = hostRemedy(code);
  return h(
    "section",
    { class: "card stack t" },
    h("h2", { class: "h" }, cause),
    h("p", { class: "s dim" }, fix),
    remedy ? hostCommands(host.command ?? "", remedy).map(command) : null,
    h("p", { class: "xs faint" }, h("code", null, code)),
  );
}
