/**
 * The popup: the fan's amounts and where they come from, decisions, settings and the state of this computer.
 */

import { api } from "../shared/compat.js";
import { byId, h, write } from "../ui/dom.js";
import { LatestResponse } from "../ui/latest_response.js";
import { rewardMeter } from "../ui/reward_meter.js";
import { walletPort } from "../ui/port.js";
import { ignoreKeyRepeats, inertDuringDelay } from "../ui/enable_delay.js";
import { problemTexts, setDocumentTitle, t } from "../ui/text.js";
import { accounts, contacts } from "./accounts.js";
import { activity } from "./activity.js";
import { DecisionList } from "./decide.js";
import { home } from "./home.js";
import { locked, welcome } from "./locked.js";
import { origin } from "./origin.js";
import { receive } from "./receive.js";
import { password, words } from "./safety.js";
import { replace } from "./replace.js";
import { ScreenRenderer } from "./screen_renderer.js";
import { send } from "./send.js";
import { settings } from "./settings.js";
import { site, sites } from "./sites.js";

/** @typedef {import("./app.js").Item} Item */

const POLL_PLAYING_MS = 1000;
const POLL_SUMMARY_MS = 5000;
/** Screens that are drawn once each time they are opened: their fields keep what was typed. */
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
const WITHOUT_FIELD_FOCUS = new Set(["sites", "site"]);
/** @type {import("./app.js").Claim} */
const NO_CLAIM = { busy: false, isOpen: false, done: null, failure: null };

/** @type {import("./app.js").Model} */
const model = {
  status: null,
  host: null,
  summary: null,
  playing: null,
  failure: null,
  screen: "home",
  item: null,
  breakdown: null,
  site: null,
  note: "",
  older: null,
  claim: NO_CLAIM,
};
const root = byId("popup");
const renderer = new ScreenRenderer(root);
const summaries = new LatestResponse();

const request = walletPort(
  () => void app.refresh(),
  (isOpen) => {
    // The first connection refreshes below; a later one after the background was restarted.
    if (isOpen && renderer.isDrawn) void app.refresh();
  },
);
const decisions = new DecisionList(byId("decide"), request, () => app.go("sites"));

/** @type {import("./app.js").App} */
const app = {
  model,
  request,
  go(screen, item = null, note = "") {
    Object.assign(model, { screen, item, note, breakdown: null, older: null });
    if (!model.claim.busy) model.claim = NO_CLAIM;
    renderer.reset();
    render();
    if (item?.server && item.epoch && item.payee) void readBreakdown(item, item.server, item.payee);
    /** @type {HTMLElement | null} */ (root.querySelector("main"))?.focus({ preventScroll: true });
  },
  async refresh() {
    try {
      model.status = await request("wallet.status");
      decisions.refresh();
      model.failure = null;
    } catch (error) {
      model.failure = failureOf(error);
    }
    render();
    await Promise.all([readHost(), readAmounts()]);
    render();
  },
  render: () => render(),
  updatePlaying: null,
  async claim() {
    model.claim = { ...NO_CLAIM, busy: true, isOpen: true };
    render();
    /** @type {import("./app.js").Claim} */
    const claim = await request("wallet.claim", { most_wei: model.summary?.sweep_most_wei ?? "0" }).then(
      (done) => ({ ...NO_CLAIM, done }),
      (error) => ({ ...NO_CLAIM, failure: failureOf(error) }),
    );
    await app.refreshAmounts();
    // The amounts and the result of the claim are drawn together.
    model.claim = claim;
    render();
  },
  openClaim(isOpen) {
    model.claim = { ...model.claim, isOpen, done: null };
    render();
  },
  async refreshAmounts() {
    summaries.discardPending();
    await readSummary().catch(() => {
      // The earlier amounts have changed.
      model.summary = null;
    });
  },
  say: (text) => write(byId("live"), text),
  openSite(chosen) {
    model.site = chosen;
    app.go("site");
  },
  fail(error) {
    model.failure = failureOf(error);
    app.go("home");
  },
};

async function readHost() {
  model.host = await request("host.status").catch(() => model.host);
}

async function readAmounts() {
  const { status } = model;
  // The amounts change during a claim: they are read at its end.
  if (!status?.exists || status.locked || model.claim.busy) return;
  await readSummary().catch((error) => {
    model.failure = failureOf(error);
  });
}

async function readSummary() {
  const summary = await summaries.of(() => request("wallet.summary"));
  if (summary === null) return;
  model.summary = summary;
  model.playing = summary.playing ?? null;
}

/** Reads the breakdown of a reward. @param {Item} item @param {string} server @param {string} payee */
async function readBreakdown(item, server, payee) {
  try {
    const breakdown = await request("wallet.origin", { server, epoch: Number(item.epoch), payee });
    if (model.item === item) model.breakdown = breakdown.parts ? breakdown : null;
  } catch {
    // The line is shown without it.
  }
  render();
}

/** @param {unknown} error @returns {import("./app.js").Failure} */
function failureOf(error) {
  const { code, message } = /** @type {{code?: string, message?: string}} */ (error);
  return { code: code ?? "internal", message };
}

/** @type {Record<string, () => Node[]>} */
const SCREENS = {
  wait: starting,
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

function render() {
  const { status, playing } = model;
  const screen = !status ? "wait" : !status.exists ? "welcome" : status.locked ? "locked" : model.screen;
  const isDrawnOnce = DRAWN_ONCE.has(screen);
  // What changes every second is updated in place: a click on a screen that is drawn again would be lost.
  const song = playing && [playing.content, playing.title, playing.artist];
  const summary = model.summary && { ...model.summary, playing: null };
  const state = isDrawnOnce ? "" : JSON.stringify({ ...model, playing: song, summary });
  const focusInput = isDrawnOnce && !WITHOUT_FIELD_FOCUS.has(screen);
  const hasChanged = renderer.render(screen, { state, focusInput }, () => {
    app.updatePlaying = null;
    root.classList.toggle("one", ["wait", "welcome", "locked"].includes(screen));
    return (SCREENS[screen] ?? starting)();
  });
  if (!hasChanged && !isDrawnOnce && playing) app.updatePlaying?.(playing);
}

/** @returns {Node[]} */
function starting() {
  const problem = model.failure ? problemTexts(model.failure) : null;
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

/** Polls the song that plays, unless hidden: it changes every second, the rest by events and the slower poll. */
async function pollPlaying() {
  const { status } = model;
  if (!document.hidden && status?.exists && !status.locked && model.summary) {
    try {
      const playing = await request("wallet.playing");
      model.playing = playing.content === undefined ? null : playing;
      render();
    } catch {
      // The summary has it, too.
    }
  }
  setTimeout(pollPlaying, POLL_PLAYING_MS);
}

setDocumentTitle("GoMAA");
ignoreKeyRepeats();
// A press in a page has opened a window of its own: all of it is inert at first.
api.windows?.getCurrent().then(
  ({ type }) => {
    if (type === "popup") inertDuringDelay(root);
  },
  () => undefined,
);
render();
void app.refresh();
void pollPlaying();
setInterval(() => document.hidden || void app.refresh(), POLL_SUMMARY_MS);
document.addEventListener("visibilitychange", () => document.hidden || void app.refresh());
