/**
 * The popup: what a fan owns, where it came from, and the state of this computer.
 */

import { api } from "../shared/compat.js";
import { byId, fill, h, write } from "../ui/dom.js";
import { rewardMeter } from "../ui/reward_meter.js";
import { walletPort } from "../ui/port.js";
import { pressOnce, inertUntilAwake } from "../ui/wake_delay.js";
import { dress, sentences, t } from "../ui/text.js";
import { accounts, contacts } from "./accounts.js";
import { activity } from "./activity.js";
import { Decisions } from "./decide.js";
import { home } from "./home.js";
import { locked, welcome } from "./locked.js";
import { origin } from "./origin.js";
import { receive } from "./receive.js";
import { password, words } from "./safety.js";
import { replace } from "./replace.js";
import { send } from "./send.js";
import { settings } from "./settings.js";
import { site, sites } from "./sites.js";

/**
 * @typedef {{time_s: number, content: string, title: string, artist: string, station: string | null, domain?: string |
 *   null, amount_wei: string,
 *   state: "pending" | "claimable" | "claimed" | "refused", code?: string | null, server?: string | null, epoch?:
 * number | string | null,
 *   payee?: string | null, plays?: number | null, seconds?: number | null, due_s?: number | null, transaction?: string
 * | null, at_payee?: boolean,
 *   kind?: "sent" | "received", other?: string, name?: string | null, block?: number | null, fee_wei?: string | null,
 * most_wei?: string | null, reason?: string | null, by?: string | null, how?: "first" | "faster" | "cancel" | null,
 * replaceable?: boolean, site?: string | null, value_wei?: string | null}} Item
 * @typedef {{chain_id: number, settlement: string, receipt: any, detail: any, station: string, station_address: string
 *   | null, session: string | null, transaction: string | null,
 *   parts: {content: string | null, title: string, artist: string, time_s: number | null, seconds: number | null,
 * ticket: string | null, amount_wei: string}[]}} Proof
 * @typedef {{content: string, title: string, artist: string, station?: string | null, position_ms: number, duration_ms:
 *   number, state?: string,
 *   earned_wei: string, reward_wei: string, interval_s: number, next_ms: number}} Playing
 * @typedef {{address: string, spendable_wei: string | null, today_wei: string, pending_wei: string, claimable_wei?:
 *   string, account_wei?: string | null, private_wei?: string, sweep_most_wei?: string,
 *   claiming?: {count: number, until_s: number | null, code: string | null}, due_s: number | null,
 *   search?: {running: boolean, listed: number, left: number, away: {server: string, url: string | null, epochs:
 * number, code: string}[]},
 *   playing: Playing | null, activity: Item[]}} Summary
 * @typedef {{exists: boolean, locked: boolean, address: string | null, collect: "always" | "ask" | "never", tracking:
 *   boolean | null, auto_lock_s?: number, auto_lock_choices?: number[]}} Status
 * @typedef {{state: "connected" | "missing" | "version" | "gone", version?: string, command?: string, code?: string,
 *   chain?: boolean, networks?: number[], chain_id?: number | null}} Host
 * @typedef {"home" | "activity" | "settings" | "receive" | "origin" | "password" | "words" | "send" | "accounts" |
 *   "contacts" | "sites" | "site" | "faster" | "cancel"} Screen
 * @typedef {{origin: string, state: "allowed" | "paused" | "revoked", day_wei: string, spent_wei: string, earned_wei:
 *   string, last_s: number}} Site
 * @typedef {{status: Status | null, host: Host | null, summary: Summary | null, playing: Playing | null, failure:
 *   {code: string, message?: string} | null,
 *   screen: Screen, item: Item | null, proof: Proof | null, site: Site | null, note: string, older: {items: Item[],
 * next: any} | null, claim: {busy: boolean, once: boolean, done: {transactions: string[], amount_wei: string} | null,
 * failure: {code: string, message?: string} | null}}} Model
 * @typedef {{model: Model, ask: (type: string, fields?: object) => Promise<any>, go: (screen: Screen, item?: Item |
 *   null, note?: string) => void, refresh: () => Promise<void>, settle: () => Promise<void>,
 *   render: () => void, live: ((playing: Playing) => void) | null, claim: () => Promise<void>, chooseOnce: (on:
 * boolean) => void, say: (text: string) => void,
 *   openSite: (site: Site) => void, fail: (error: unknown) => void}} App
 */

const PLAYING_MS = 1000;
const SUMMARY_MS = 5000;
/** Fields keep what was typed: these screens are drawn once each time they are gone to. */
const DRAWN_ONCE = new Set([
  "locked",
  "welcome",
  "password",
  "words",
  "send",
  "accounts",
  "contacts",
  "sites",
  "site",
  "faster",
  "cancel",
]);

/** @type {Model} */
const model = {
  status: null,
  host: null,
  summary: null,
  playing: null,
  failure: null,
  screen: "home",
  item: null,
  proof: null,
  site: null,
  note: "",
  older: null,
  claim: { busy: false, once: false, done: null, failure: null },
};
const root = byId("popup");
const decisions = new Decisions(byId("decide"), {
  ask: (type, fields) => ask(type, fields),
  say: (text) => app.say(text),
  goSites: () => app.go("sites"),
});
let drawn = "";

const ask = walletPort(
  () => void app.refresh(),
  (up) => {
    // The first connection refreshes below; a later one after the background was restarted.
    if (up && drawn) void app.refresh();
  },
);

/**
 * `settle`: the amounts after something was done with them; answers to earlier questions do not count any more.
 * @type {App}
 */
const app = {
  model,
  ask,
  go(screen, item = null, note = "") {
    Object.assign(model, { screen, item, note, proof: null, older: null });
    if (!model.claim.busy) model.claim = { busy: false, once: false, done: null, failure: null };
    drawn = "";
    render();
    if (item?.server && item.epoch && item.payee) void prove(item);
    /** @type {HTMLElement | null} */ (root.querySelector("main"))?.focus({ preventScroll: true });
  },
  async refresh() {
    try {
      model.status = await ask("wallet.status");
      decisions.look();
      model.failure = null;
    } catch (error) {
      model.failure = failure(error);
    }
    render();
    await Promise.all([
      ask("host.status").then(
        (host) => {
          model.host = host;
        },
        () => {},
      ),
      // While something is collected the amounts change under way: what is shown comes with its end.
      model.status?.exists && !model.status.locked && !model.claim.busy
        ? summarise().catch((error) => {
            model.failure = failure(error);
          })
        : Promise.resolve(),
    ]);
    render();
  },
  render: () => render(),
  live: null,
  async claim() {
    model.claim = { busy: true, once: true, done: null, failure: null };
    render();
    const ended = { busy: false, once: false, done: null, failure: null };
    /** @type {Model["claim"]} */
    const claim = await ask("wallet.claim", { most_wei: model.summary?.sweep_most_wei ?? "0" }).then(
      (done) => ({ ...ended, done }),
      (error) => ({ ...ended, failure: failure(error) }),
    );
    await app.settle();
    // The amounts and the words of what became of them are drawn at once.
    model.claim = claim;
    render();
  },
  chooseOnce(on) {
    model.claim = { ...model.claim, once: on, done: null };
    render();
  },
  async settle() {
    latest = ++lastRequest;
    await summarise().catch(() => {
      // The amounts of before are not the amounts of now.
      model.summary = null;
    });
  },
  say: (text) => write(byId("live"), text),
  openSite(chosen) {
    model.site = chosen;
    app.go("site");
  },
  fail(error) {
    model.failure = failure(error);
    app.go("home");
  },
};

/** Summaries that were asked for, and the newest one that came: an older answer never takes its place. */
let lastRequest = 0;
let latest = 0;

async function summarise() {
  const current = ++lastRequest;
  const summary = await ask("wallet.summary");
  if (current < latest) return;
  latest = current;
  model.summary = summary;
  model.playing = summary.playing ?? null;
}

/** What the host has to prove a line with. @param {Item} item */
async function prove(item) {
  try {
    const proof = await ask("wallet.origin", { server: item.server, epoch: Number(item.epoch), payee: item.payee });
    if (model.item === item) model.proof = proof.parts ? proof : null;
  } catch {
    // The line itself says what is known without it.
  }
  render();
}

/** @param {unknown} error */
function failure(error) {
  const { code, message } = /** @type {{code?: string, message?: string}} */ (error);
  return { code: code ?? "internal", message };
}

function render() {
  const { status } = model;
  const screen = !status ? "wait" : !status.exists ? "welcome" : status.locked ? "locked" : model.screen;
  if (DRAWN_ONCE.has(screen) && drawn === screen) return;
  // What changes every second is written in place: a screen drawn anew under a finger would lose its click.
  const playing = model.playing && [model.playing.content, model.playing.title, model.playing.artist];
  const key = DRAWN_ONCE.has(screen)
    ? screen
    : `${screen} ${JSON.stringify({ ...model, playing, summary: model.summary && { ...model.summary, playing: null } })}`;
  if (key === drawn) {
    if (model.playing) app.live?.(model.playing);
    return;
  }
  app.live = null;
  const sameScreen = drawn.split(" ")[0] === screen;
  const top = sameScreen ? (root.querySelector("main")?.scrollTop ?? 0) : 0;
  const focused = sameScreen ? document.activeElement?.getAttribute("data-key") : null;
  drawn = key;
  /** @type {Record<string, () => Node[]>} */
  const screens = {
    wait: waiting,
    welcome: () => welcome(app),
    locked: () => locked(app),
    home: () => home(app),
    activity: () => activity(app),
    origin: () => origin(app),
    receive: () => receive(app),
    settings: () => settings(app),
    password: () => password(app),
    words: () => words(app),
    send: () => send(app),
    faster: () => replace(app, "faster"),
    cancel: () => replace(app, "cancel"),
    accounts: () => accounts(app),
    contacts: () => contacts(app),
    sites: () => sites(app),
    site: () => site(app),
  };
  root.classList.toggle("one", ["wait", "welcome", "locked"].includes(screen));
  fill(root, (screens[screen] ?? waiting)());
  const main = root.querySelector("main");
  if (main) main.scrollTop = top;
  if (focused)
    /** @type {HTMLElement | null} */ (root.querySelector(`[data-key="${focused}"]`))?.focus({ preventScroll: true });
  else if (DRAWN_ONCE.has(screen) && !screen.startsWith("site")) root.querySelector("input")?.focus();
}

/** @returns {Node[]} */
function waiting() {
  const problem = model.failure ? sentences(model.failure) : null;
  return [
    h(
      "main",
      { class: "centred" },
      h(
        "div",
        { class: "stack centre" },
        rewardMeter(0.12, "big").node,
        h("h1", { class: "vh" }, "GoMAA"),
        h("p", { class: "dim" }, problem ? problem.cause : t("starting")),
        problem ? h("p", { class: "xs faint" }, h("code", null, problem.code)) : null,
      ),
    ),
  ];
}

/** Playing changes every second; the rest when something happened, or at ease. */
async function watch() {
  const { status } = model;
  if (status?.exists && !status.locked && model.summary) {
    try {
      const playing = await ask("wallet.playing");
      model.playing = playing?.content ? playing : null;
      render();
    } catch {
      // An older engine says it with the summary only.
    }
  }
  setTimeout(watch, PLAYING_MS);
}

dress("GoMAA");
pressOnce();
// A window of its own was opened by a press in a page: all of it wakes a moment later.
api.windows?.getCurrent().then(
  ({ type }) => {
    if (type === "popup") inertUntilAwake(root);
  },
  () => undefined,
);
render();
void app.refresh();
void watch();
setInterval(() => void app.refresh(), SUMMARY_MS);
