/**
 * Sites: their permission to play, rewards and budgets.
 */

import { exact, show, wei } from "../ui/amounts.js";
import { fill, h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { amount, field, moneyState } from "../ui/pieces.js";
import { t } from "../ui/text.js";
import { amountError, form } from "./form.js";
import { listening } from "./listening.js";
import { backBar, middle, siteName, tabs, topBar } from "./frame.js";
import { permits } from "./permits.js";
import { points } from "./points.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("../shared/protocol.d.ts").SiteEntry} SiteGrant */

/**
 * @param {App} app
 * @returns {Node[]}
 */
export function sites(app) {
  const main = middle();
  const draw = async () => {
    const response = await app.request("wallet.sites");
    const permitList = await permits(app, draw);
    const all = response.sites ?? [];
    const playing = all.filter(({ state }) => state === "allowed");
    const pause = press(
      h(
        "button",
        { type: "button", class: "btn small", "data-key": "pause-all", disabled: playing.length === 0 },
        icon("pause", "m"),
        t("sitesPauseAll"),
      ),
      async () => {
        for (const { origin } of playing) await app.request("wallet.site", { origin, state: "paused" });
        await draw();
      },
    );
    fill(
      main,
      all.length
        ? h("div", { class: "row between" }, h("p", { class: "s dim" }, t("sitesLead")), pause)
        : h(
            "section",
            { class: "card empty" },
            icon("globe", "l"),
            h("h2", null, t("sitesNone")),
            h("p", null, t("sitesNoneLead")),
          ),
      all.length
        ? h(
            "ul",
            { class: "list card items" },
            all.map((site) => row(app, site)),
          )
        : null,
      budget(
        app,
        response.day_wei ?? "0",
        response.spent_wei ?? "0",
        "*",
        t("sitesBudget"),
        t("sitesBudgetHint"),
        draw,
      ),
      permitList,
      listening(app),
    );
  };
  void draw().catch((error) => app.fail(error));
  return [topBar(app, t("tabSites")), main, tabs(app, "sites")];
}

/** @param {App} app @param {SiteGrant} site */
function row(app, site) {
  return h(
    "li",
    null,
    press(
      h(
        "button",
        { type: "button", class: "item", "data-key": "site" },
        h(
          "span",
          { class: "grow stack z" },
          h("b", { class: "whole", title: site.origin }, siteName(site.origin)),
          h(
            "span",
            { class: "xs faint clip" },
            wei(site.day_wei) > 0n
              ? t("siteMaySpend", show(site.day_wei), show(site.spent_wei))
              : t("siteSpendsNothing"),
          ),
        ),
        h("span", { class: "amt" }, amount(site.earned_wei, wei(site.earned_wei) > 0n ? "+" : ""), stateOf(site)),
      ),
      () => app.openSite(site),
    ),
  );
}

/** @param {SiteGrant} site */
const stateOf = ({ state }) =>
  state === "allowed"
    ? moneyState("claimed", t("siteAllowed"))
    : state === "paused"
      ? moneyState("pending", t("sitePaused"))
      : moneyState("refused", t("siteRevoked"));

/**
 * @param {App} app
 * @returns {Node[]}
 */
export function site(app) {
  const chosen = app.model.site;
  if (!chosen) return [backBar(app, t("tabSites"), "sites"), middle()];
  /**
   * A button that changes the grant.
   * @param {SiteGrant["state"]} state
   * @param {string} name
   * @param {string} shape
   * @param {string} key
   * @param {string} [kind]
   */
  const changeState = (state, name, shape, key, kind = "") =>
    press(
      h("button", { type: "button", class: `btn ${kind}`.trim(), "data-key": key }, icon(shape), name),
      async () => {
        await app.request("wallet.site", { origin: chosen.origin, state });
        app.go("sites");
      },
    );
  const allowed = chosen.state === "allowed";
  return [
    backBar(app, siteName(chosen.origin), "sites"),
    middle(
      h(
        "section",
        { class: "card stack t" },
        h("div", { class: "row between" }, h("p", { class: "s dim" }, t("siteBrought")), stateOf(chosen)),
        h("p", { class: "sum-big" }, amount(chosen.earned_wei)),
        h(
          "div",
          { class: "actions" },
          allowed
            ? changeState("paused", t("sitePause"), "pause", "pause")
            : changeState("allowed", t("siteAllow"), "check", "allow", "primary"),
          chosen.state === "revoked" ? null : changeState("revoked", t("siteRevoke"), "close", "revoke"),
        ),
      ),
      h(
        "p",
        { class: "s dim" },
        t(allowed ? "siteAllowedMeans" : chosen.state === "paused" ? "sitePausedMeans" : "siteRevokedMeans"),
      ),
      points(app, chosen.origin),
      budget(app, chosen.day_wei, chosen.spent_wei, chosen.origin, t("siteBudget"), t("siteBudgetHint"), async () =>
        app.go("sites"),
      ),
      h("div", { class: "note" }, icon("hidden"), h("span", null, h("b", null, t("learnsTitle")), " ", t("learns"))),
    ),
  ];
}

/**
 * @param {App} app
 * @param {string} dayWei
 * @param {string} spentWei
 * @param {string} origin
 * @param {string} label
 * @param {string} hint
 * @param {() => Promise<void>} done
 */
function budget(app, dayWei, spentWei, origin, label, hint, done) {
  const most = field({ id: "budget", label, hint: `${hint} ${t("budgetUsed", show(spentWei))}` });
  most.input.value = exact(dayWei).replace(" GoMAA", "");
  most.input.setAttribute("inputmode", "decimal");
  const { node } = form(
    { fields: [most.node], submit: t("budgetKeep"), busy: t("starting"), kind: "", key: "budget" },
    async () => {
      most.fail("");
      try {
        await app.request("wallet.site", { origin, budget: most.input.value });
      } catch (error) {
        const amountText = amountError(error, t("budgetWrong"));
        if (!amountText) throw error;
        return most.fail(amountText);
      }
      app.say(t("budgetKept"));
      await done();
    },
  );
  return h("section", { class: "card" }, node);
}
