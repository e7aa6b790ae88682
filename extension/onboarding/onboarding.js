/**
 * The page after the installation: a wallet, this computer, a first song, a first reward. Each step is optional.
 */

import { byId, fill, h, write } from "../ui/dom.js";
import { mark } from "../ui/icons.js";
import { walletPort } from "../ui/port.js";
import { ignoreKeyRepeats } from "../ui/enable_delay.js";
import { setDocumentTitle, t } from "../ui/text.js";
import { choose } from "./choose.js";
import { computer } from "./computer.js";
import { network } from "./network.js";
import { reward, song } from "./song.js";
import { checkWords, newPassword, restore, showWords } from "./wallet.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").Draft} Draft */
/** @typedef {import("./app.js").Page} Page */

/** @type {Record<Page, number>} */
const STEP = { choose: 1, words: 1, check: 1, restore: 1, password: 1, computer: 2, network: 2, song: 3, reward: 4 };

/** @type {Record<Page, (app: App) => HTMLElement>} */
const PAGES = {
  choose,
  words: showWords,
  check: checkWords,
  restore,
  password: newPassword,
  computer,
  network,
  song,
  reward,
};

/** @type {Draft} */
const draft = {
  mnemonic: "",
  restoring: false,
  exists: false,
  collect: "always",
  positions: [],
  from: "",
  site: "",
  hash: "",
};
/** @type {ReturnType<typeof setInterval>[]} */
let timers = [];
/** @type {Page} */
let page = "choose";

/** @type {App} */
const app = {
  draft,
  request: walletPort(() => {}),
  go(next) {
    page = next;
    for (const timer of timers) clearInterval(timer);
    timers = [];
    render();
    scrollTo(0, 0);
    const title = document.querySelector("h1");
    title?.setAttribute("tabindex", "-1");
    title?.focus({ preventScroll: true });
  },
  say: (text) => write(byId("live"), text),
  every(ms, action) {
    void action();
    timers.push(
      setInterval(() => {
        if (!document.hidden) void action();
      }, ms),
    );
  },
};

function render() {
  const now = STEP[page];
  const names = [t("onbWallet"), t("onbComputer"), t("onbSong"), t("onbReward")];
  fill(
    byId("aside"),
    h("div", { class: "brand" }, mark(32), h("b", null, "GoMAA")),
    h(
      "ol",
      { class: "steps", "aria-label": t("onbSteps") },
      names.map((name, i) =>
        h(
          "li",
          {
            class: i + 1 < now && (i > 0 || draft.exists) ? "done" : i + 1 === now ? "now" : "",
            "aria-current": i + 1 === now ? "step" : null,
          },
          h("span", null, name),
        ),
      ),
    ),
    h("p", { class: "s dim" }, t("onbLeave")),
  );
  const node = PAGES[page](app);
  node.classList.add("page");
  fill(byId("main"), node);
}

/**
 * A web address in the address of this page, given by the background or the player.
 * @param {string} hash
 * @param {"from" | "network"} name the page from which the fan came, or the station whose network is offered
 */
function addressIn(hash, name) {
  try {
    const url = new URL(new URLSearchParams(hash.slice(1)).get(name) ?? "");
    return url.protocol !== "https:" && url.protocol !== "http:" ? "" : name === "network" ? url.origin : url.href;
  } catch {
    return "";
  }
}

async function start() {
  setDocumentTitle(t("onbTitle"));
  ignoreKeyRepeats();
  draft.hash = location.hash;
  draft.from = addressIn(location.hash, "from");
  draft.site = addressIn(location.hash, "network");
  if (draft.site) return app.go("network");
  render();
  try {
    const status = await app.request("wallet.status");
    draft.exists = Boolean(status.exists);
    // The choice is kept when a wallet is restored.
    if (status.collect) draft.collect = status.collect;
  } catch {
    draft.exists = false;
  }
  if (page !== "choose") return;
  if (draft.hash.startsWith("#restore")) app.go("restore");
  else if (draft.exists) app.go("computer");
  else if (draft.hash.startsWith("#create")) app.go("words");
}

void start();
