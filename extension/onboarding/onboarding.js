/**
 * The first page: a wallet, this computer, a first song, a first reward. It can be left at any step.
 */

import { byId, fill, h, write } from "../ui/dom.js";
import { mark } from "../ui/icons.js";
import { walletPort } from "../ui/port.js";
import { pressOnce } from "../ui/wake_delay.js";
import { dress, t } from "../ui/text.js";
import { choose } from "./choose.js";
import { computer } from "./computer.js";
import { network } from "./network.js";
import { reward, song } from "./song.js";
import { checkWords, newPassword, restore, showWords } from "./wallet.js";

/**
 * @typedef {"choose" | "words" | "check" | "restore" | "password" | "computer" | "network" | "song" | "reward"} Page
 * @typedef {{mnemonic: string, restoring: boolean, exists: boolean, collect: string, places: number[], from: string,
 *   site: string, hash: string}} Draft
 * @typedef {{draft: Draft, ask: (type: string, fields?: object) => Promise<any>, go: (page: Page) => void, say: (text:
 *   string) => void,
 *   every: (ms: number, action: () => void | Promise<void>) => void}} App
 */

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
  places: [],
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
  ask: walletPort(() => {}),
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
 * @param {"from" | "network"} name from: the station a fan came from; network: the station whose network is asked for
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
  dress(t("onbTitle"));
  pressOnce();
  draft.hash = location.hash;
  draft.from = addressIn(location.hash, "from");
  draft.site = addressIn(location.hash, "network");
  if (draft.site) return app.go("network");
  render();
  try {
    const status = await app.ask("wallet.status");
    draft.exists = Boolean(status.exists);
    // What was chosen before a restore is still chosen.
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
