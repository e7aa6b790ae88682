/**
 * The page "computer": the commands that install the host, and its state, polled.
 */

import { fill, h, press } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { command, moneyState } from "../ui/pieces.js";
import { browserTitle, hostCommands, hostRemedy, systemName } from "../ui/host.js";
import { problemTexts, t } from "../ui/text.js";

const POLL_HOST_MS = 2000;

/** @typedef {import("../shared/wallet_state.d.ts").HostStatus} HostStatus */

/**
 * @param {import("./app.js").App} app
 * @returns {HTMLElement}
 */
export function computer(app) {
  const steps = h("ol", { class: "steps" });
  const checks = h("ul", { class: "list checks" });
  const go = press(h("button", { type: "button", class: "btn primary big", disabled: true }, t("goOn")), () =>
    app.go("song"),
  );
  let last = "";
  const draw = (/** @type {HostStatus | null} */ host) => {
    const key = JSON.stringify(host);
    if (key === last) return;
    const was = last;
    last = key;
    const connected = host?.state === "connected";
    const isInstalled = connected || host?.state === "version" || host?.state === "gone";
    const trouble = host && !connected ? problemTexts({ code: host.code || `host.${host.state}` }) : null;
    const remedy = hostRemedy(trouble?.code ?? "") ?? "command";
    const commands = hostCommands(host?.command ?? "", remedy);
    const first = h(
      "p",
      null,
      h(
        "b",
        null,
        remedy === "repair" ? (trouble?.fix ?? "") : t(remedy === "upgrade" ? "hostUpgrade" : "hostInstall"),
      ),
    );
    fill(
      steps,
      h(
        "li",
        { class: isInstalled && remedy === "command" ? "done" : "now" },
        h("div", { class: "stack t" }, first, command(commands[0] ?? "")),
      ),
      commands[1]
        ? h(
            "li",
            { class: connected ? "done" : isInstalled ? "now" : "" },
            h(
              "div",
              { class: "stack t" },
              h("p", null, h("b", null, t("hostIntroduce"))),
              command(commands[1]),
              h("p", { class: "s dim" }, t("hostWrites")),
            ),
          )
        : null,
    );
    fill(
      checks,
      check(
        "file",
        t("programFound"),
        isInstalled ? (host?.version ? t("versionIs", host.version) : "") : (trouble?.cause ?? ""),
        Boolean(isInstalled),
      ),
      check(
        "plug",
        t("speaks"),
        connected ? "" : host?.state === "version" || host?.state === "gone" ? (trouble?.cause ?? "") : "",
        connected,
      ),
    );
    go.disabled = !connected;
    if (connected && was !== "") app.say(t("hostConnected"));
  };
  draw(null);
  app.every(POLL_HOST_MS, async () => {
    try {
      draw(await app.request("host.status"));
    } catch {
      // The engine is starting: the status is polled.
    }
  });
  return h(
    "div",
    null,
    h(
      "div",
      null,
      h("h1", null, t("computerTitle")),
      h("p", { class: "lead" }, t("computerLead", systemName(), browserTitle())),
    ),
    h("section", { class: "card" }, steps),
    h("section", { class: "card", "aria-label": t("liveCheck") }, checks),
    h(
      "div",
      { class: "row between" },
      press(h("button", { type: "button", class: "btn quiet flush" }, t("later")), () => app.go("song")),
      go,
    ),
  );
}

/**
 * @param {string} shape
 * @param {string} name
 * @param {string} sub
 * @param {boolean} good
 */
function check(shape, name, sub, good) {
  return h(
    "li",
    null,
    icon(shape),
    h("span", { class: "grow" }, name, sub ? h("span", { class: "sub" }, sub) : null),
    good ? moneyState("claimed", t("yes")) : moneyState("pending", t("looking")),
  );
}
