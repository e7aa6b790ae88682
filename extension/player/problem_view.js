/**
 * The view of a problem: cause, remedy and code, and a note about money.
 */

import { fill, h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { amount, codeChip, command, moneyState } from "../ui/pieces.js";
import { problemTexts, t } from "../ui/text.js";
import { hostCommands } from "../ui/host.js";
import { moneyNote, remedy, report, ruleOf, noteClass } from "./model.js";
import { footNote, head, termsLink } from "./parts.js";
import { allTerms } from "./all_terms.js";

const POLL_HOST_MS = 2000;

/** @typedef {import("./model.js").Model} Model */

/**
 * Creates the view.
 * @param {import("./view.js").Actions} actions
 * @returns {import("./view.js").View}
 */
export function problemView(actions) {
  const body = h("div", { class: "body" });
  const foot = h("div", { class: "foot" });
  let last = "";
  let isPolling = false;
  let polledAt = performance.now();
  return {
    nodes: [body, foot],
    next: (nowMs) => (isPolling ? { untilMs: Math.max(0, polledAt + POLL_HOST_MS - nowMs), rate: 1 } : null),
    tick(nowMs) {
      // The host may be installed meanwhile: the visible frame polls.
      if (isPolling && nowMs - polledAt >= POLL_HOST_MS) {
        polledAt = nowMs;
        actions.send({ type: "retry" });
      }
    },
    update(model) {
      if (!model.problem) return;
      const key = JSON.stringify([
        model.problem,
        model.terms,
        actions.termsOpen(),
        model.state.earned_wei,
        model.state.state,
      ]);
      if (key === last) return;
      last = key;
      const { code, cause, fix } = problemTexts(model.problem);
      const kind = remedy(code, model.terms);
      const isCommand = kind === "command" || kind === "upgrade" || kind === "repair";
      isPolling = isCommand || kind === "network";
      const shape = code.startsWith("host.")
        ? "plug"
        : code.startsWith("wallet.") || kind === "unlock"
          ? "lock"
          : "refused";
      fill(
        body,
        head(model.terms, model.terms?.station?.name ?? ""),
        h(
          "div",
          { class: `alert ${noteClass(code)}`.trim(), role: "alert" },
          icon(shape, "l"),
          h(
            "div",
            { class: "stack t" },
            h("h2", null, cause),
            fix ? h("p", null, fix) : null,
            remedyButtons(kind, actions, model.problem),
          ),
        ),
        isCommand ? hostSteps(model.problem, kind) : null,
        h("div", { class: "after" }, h("span", null, money(model)), codeChip(report(code, model.problem.detail))),
        actions.termsOpen() && model.terms ? allTerms(model.terms) : null,
      );
      const rule = ruleOf(model.problem.detail);
      fill(
        foot,
        isPolling
          ? footNote("lock", t("balanceSafe"))
          : rule
            ? footNote("file", t("rule", rule))
            : footNote("shield", t("checkedHere")),
        model.terms?.facts ? termsLink(actions, t("allTerms")) : null,
      );
    },
  };
}

/**
 * The buttons of a remedy.
 * @param {import("./model.js").Remedy} kind
 * @param {import("./view.js").Actions} actions
 * @param {import("./model.js").Problem} problem
 */
function remedyButtons(kind, actions, { detail }) {
  /** @type {Partial<Record<import("./model.js").Remedy, [string, () => void]>>} */
  const actionsByRemedy = {
    unlock: ["unlockInPopup", () => actions.open()],
    popup: ["openGomaa", () => actions.open()],
    create: ["walletAction_none", () => actions.openOnboarding()],
    network: ["networkLook", () => actions.openNetwork(String(detail?.["origin"] ?? ""))],
    retry: ["tryAgain", () => actions.send({ type: "retry" })],
  };
  const action = actionsByRemedy[kind];
  if (!action) return null;
  const button = press(h("button", { type: "button", class: "btn primary" }, t(action[0])), action[1]);
  if (kind !== "unlock" && kind !== "popup") return h("div", { class: "row wrap tight" }, button);
  const again = press(h("button", { type: "button", class: "btn" }, t("tryAgain")), () =>
    actions.send({ type: "retry" }),
  );
  return h("div", { class: "row wrap tight" }, button, again);
}

/**
 * The commands to run, and a note that the frame polls.
 * @param {import("./model.js").Problem} problem
 * @param {import("../ui/host.js").HostRemedy} kind
 */
function hostSteps(problem, kind) {
  const fromBackground = typeof problem.detail?.command === "string" ? problem.detail.command : "";
  const commands = hostCommands(fromBackground, kind);
  return h(
    "ol",
    { class: "steps" },
    commands.map((text, i) =>
      h(
        "li",
        { class: i === 0 ? "now" : "" },
        h(
          "div",
          { class: "stack t" },
          h("p", null, t(kind === "repair" ? "runRepair" : i === 0 ? "runOnce" : "thenRun")),
          command(text),
        ),
      ),
    ),
    h(
      "li",
      null,
      h("div", { class: "row between wrap" }, h("p", null, t("comesBack")), moneyState("pending", t("looking"))),
    ),
  );
}

/** The note about money. @param {Model} model */
function money({ state }) {
  const { key, sum } = moneyNote(state);
  if (key === "youPaid") return [`${t(key)} `, amount(sum)];
  if (key !== "keptSoFar") return [t(key)];
  const [start, end] = t(key, "\uE000").split("\uE000");
  return [start ?? "", amount(sum, "+"), end ?? ""];
}
