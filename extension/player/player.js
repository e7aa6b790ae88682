/**
 * The in-page player: shows one view at a time for the engine's messages, and sends its page only a height.
 */

import { byId, fill, write } from "../ui/dom.js";
import { connect } from "../ui/port.js";
import { show, wei } from "../ui/amounts.js";
import { clock } from "../ui/time.js";
import { pressGuard } from "../ui/press_guard.js";
import { ignoreKeyRepeats } from "../ui/enable_delay.js";
import { plural, problemTexts, setDocumentTitle, t } from "../ui/text.js";
import { readyView } from "./ready_view.js";
import { CommandSender } from "./command_sender.js";
import { Keyboard } from "./keyboard.js";
import { disconnectedBody, loadingView } from "./loading_view.js";
import { AWAITING_SOUND, canSeek, fixedHeight, INITIAL_STATE, rewardMode, viewOf } from "./model.js";
import { playbackView } from "./playback_view.js";
import { problemView } from "./problem_view.js";
import { SecondClock } from "./second_clock.js";
import { SeekJoiner } from "./seek_joiner.js";
import { recordTimings } from "./timing_entries.js";

/** @typedef {import("../shared/player_messages.d.ts").PlayerCommand} PlayerCommand */
/** @typedef {import("../shared/player_messages.d.ts").PlayerRequest} PlayerRequest */
/** @typedef {import("../shared/player_messages.d.ts").PlayerMessage} PlayerMessage */
/** @typedef {import("./model.js").State} State */

/** Time after which a stream is requested from a restarted engine. */
const RETRY_MS = 1500;
/** Time for which a start is shown by a class alone: drawing shares a thread with decoding and delays the sound. */
const START_MS = 250;
/** Least distance of a seek from the end of the song. */
const END_MARGIN_MS = 500;
const KEY = /^[0-9a-f]{32}$/;
/** States without playback: a problem of an earlier one is over in any other state. */
const STOPPED = new Set(["refused", "failed", "loading"]);
/** Codes of a permission that is pending before playback. */
const PERMISSIONS = new Set(["player.press", "site.budget"]);

/** @type {import("./model.js").Model} */
const model = { terms: null, state: INITIAL_STATE, problem: null, at: performance.now() };
const card = byId("player");
let isTermsOpen = false;
let shownView = "";
/** @type {import("./view.js").View | null} */
let view = null;
/** Height that was sent to the page, px. */
let sentHeight = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let startTimer;
/** The sound has not started within `START_MS`. */
let isStartLate = false;
/** @type {{send: (message: PlayerRequest) => boolean} | null} */
let port = null;

const commands = new CommandSender((command) => port?.send(command) ?? false);

/** Announces a text to screen readers. @param {string} text */
const say = (text) => write(byId("live"), text);

const seeks = new SeekJoiner((ms) => {
  actions.send({ type: "seek", position_ms: ms });
  const left = model.state.left.seeks;
  const seeksLeft = typeof left === "number" ? plural("seeksLeft", Math.max(0, left - 1)) : "";
  say([t("seekedTo", clock(ms)), seeksLeft].filter(Boolean).join(" "));
});

/** Nearest position to which a seek is possible, ms. @param {number} ms */
const seekTarget = (ms) => Math.round(Math.min(Math.max(0, ms), Math.max(0, model.state.duration_ms - END_MARGIN_MS)));

/** @type {import("./view.js").Actions} */
const actions = {
  send(command) {
    if (command.type !== "retry" && !STOPPED.has(model.state.state)) model.problem = null;
    commands.send(command);
  },
  toggleTerms() {
    if (!model.terms?.facts) return;
    isTermsOpen = !isTermsOpen;
    render();
  },
  termsOpen: () => isTermsOpen,
  open: () => commands.send({ type: "open" }),
  openOnboarding() {
    chrome.tabs.create({ url: chrome.runtime.getURL("onboarding/onboarding.html") });
  },
  openNetwork(origin) {
    chrome.tabs.create({
      url: chrome.runtime.getURL(`onboarding/onboarding.html#network=${encodeURIComponent(origin)}`),
    });
  },
  seekTo(ms, isReleased = false) {
    if (!canSeek(model)) return say(t("noSeeks"));
    const target = seekTarget(ms);
    model.state = { ...model.state, position_ms: target };
    model.at = performance.now();
    // Counted seeks in quick succession stay one: they are all delayed.
    if (isReleased && model.state.left.seeks === null) seeks.requestNow(target);
    else {
      if (seeks.targetMs === null) actions.prepareSeek(target);
      seeks.request(target);
    }
    view?.update(model);
  },
  prepareSeek(ms) {
    if (canSeek(model)) commands.send({ type: "prepare_seek", position_ms: seekTarget(ms) });
  },
  setRate(value) {
    if (!model.terms?.permits?.includes("rate") || value === model.state.rate) return;
    actions.send({ type: "rate", value });
    say(t("speedIs", value));
  },
  changeVolume(by) {
    const value = Math.round(Math.min(1, Math.max(0, model.state.volume + by)) * 100) / 100;
    if (model.state.muted) actions.send({ type: "mute", value: false });
    model.state = { ...model.state, volume: value, muted: false };
    actions.send({ type: "volume", value });
    render();
  },
  changeTrack(by) {
    const { index, count } = model.state.list;
    if (index + by >= 0 && index + by < count) actions.send({ type: "track", by });
  },
  say,
};

/**
 * Handles a message of the engine.
 * @param {PlayerMessage | null} message an engine of another version may omit fields
 */
function onMessage(message) {
  if (message?.type === "terms") onTerms(message);
  else if (message?.type === "state") onState(message);
  else if (message?.type === "problem" && typeof message.code === "string")
    model.problem = { code: message.code, detail: message.detail ?? {} };
  else return;
  render();
  commands.onMessage();
}

/** @param {import("./model.js").Terms} terms */
function onTerms(terms) {
  model.terms = { ...terms };
  if (model.state.state === "loading" || !model.state.duration_ms)
    model.state = { ...model.state, duration_ms: Number(terms.duration_ms) || 0 };
  setDocumentTitle(terms.title ? `${terms.title} · GoMAA` : "GoMAA");
}

/** @param {State} state an engine of an earlier version may omit fields */
function onState(state) {
  const previous = model.state;
  const next = { ...INITIAL_STATE, ...state, left: state.left ?? {} };
  if (!next.duration_ms) next.duration_ms = model.terms?.duration_ms ?? 0;
  next.position_ms = seeks.targetMs ?? next.position_ms;
  model.state = next;
  model.at = performance.now();
  recordTimings(state.timings);
  // A pending permission stays shown: the page may have requested playback before the song was loaded.
  const isPending = PERMISSIONS.has(model.problem?.code ?? "") && (next.state === "loading" || next.state === "ready");
  if (!isPending && !STOPPED.has(next.state) && STOPPED.has(previous.state)) model.problem = null;
  announce(previous, next);
}

/** Announces rewards and changes of state to screen readers, but no seconds. @param {State} was @param {State} is */
function announce(was, is) {
  const more = wei(is.earned_wei) - wei(was.earned_wei);
  if (more > 0n && was.state !== "loading") say(t("spokenReward", show(more), show(is.earned_wei)));
  else if (is.pace && is.pace !== was.pace) say(problemTexts({ code: is.pace }).cause);
  else if (is.state !== was.state && is.state === "waiting") say(t("waiting"));
  else if (is.state !== was.state && is.state === "ended") say(t("heardToEnd"));
}

const isDelayed = pressGuard(() => render());

const seconds = new SecondClock({
  wake: () => view?.tick?.(performance.now()),
  next: () => view?.next?.(performance.now()) ?? null,
  element: card,
});

function render() {
  setReportData();
  if (!isStartShown()) {
    draw();
    sendHeight();
  }
  seconds.schedule();
}

/** Shows by a class that sound is awaited. @returns {boolean} whether nothing else has to be drawn yet */
function isStartShown() {
  const isAwaited = AWAITING_SOUND.has(model.state.state) && /^(ready|playback)/.test(shownView);
  card.classList.toggle("starting", isAwaited);
  if (!isAwaited) {
    clearTimeout(startTimer);
    startTimer = undefined;
    isStartLate = false;
    return false;
  }
  startTimer ??= setTimeout(() => {
    isStartLate = true;
    render();
  }, START_MS);
  return !isStartLate;
}

/** @type {Record<ReturnType<typeof viewOf>, () => import("./view.js").View>} */
const VIEWS = {
  loading: loadingView,
  ready: () => readyView(actions),
  playback: () => playbackView(actions, model),
  problem: () => problemView(actions),
};

function draw() {
  const name = viewOf(model);
  // The waveform is drawn for one song; another song gets a new view.
  const key = name === "playback" ? `${name} ${model.terms?.content} ${model.terms && rewardMode(model.terms)}` : name;
  // The playback view is updated in place; every other view is drawn again.
  if ((key !== shownView || name !== "playback") && isDelayed()) return;
  if (key === shownView) return view?.update(model);
  const hadFocus = card.contains(document.activeElement);
  shownView = key;
  view = VIEWS[name]();
  fill(card, view.nodes);
  view.update(model);
  const main = hadFocus ? card.querySelector(".btn.primary:not([disabled])") : null;
  /** @type {HTMLElement | null} */ (main)?.focus({ preventScroll: true });
}

/** Sets the state and the code with its details, for reports; no data of the fan. */
function setReportData() {
  card.dataset["state"] = model.state.state;
  if (model.problem)
    Object.assign(card.dataset, { code: model.problem.code, detail: JSON.stringify(model.problem.detail ?? {}) });
  else for (const name of ["code", "detail"]) delete card.dataset[name];
}

/**
 * Sends the height over the extension's port: a message to the page would reveal the extension's address, which
 * identifies an installation of Firefox.
 */
function sendHeight() {
  const fixed = fixedHeight(model);
  // A higher problem scrolls; while a song loads there is nothing to press.
  document.documentElement.classList.toggle("fixed", fixed !== null && model.problem !== null);
  const height = fixed ?? Math.ceil(document.body.getBoundingClientRect().height);
  if (parent === window || height <= 0 || height === sentHeight) return;
  if (port?.send({ type: "height", height })) sentHeight = height;
}

/** Opens the port of the frame. @param {string} key of the content script */
function open(key) {
  port = connect(`player:${key}`, onMessage, (isOpen, isFinal) => {
    sentHeight = 0;
    if (!isOpen) commands.onClosed();
    if (isFinal) {
      view = null;
      return fill(card, disconnectedBody());
    }
    // A restarted engine opens the stream at the first request.
    if (!isOpen) setTimeout(() => actions.send({ type: "retry" }), RETRY_MS);
    return undefined;
  });
  sendHeight();
}

setDocumentTitle("GoMAA");
ignoreKeyRepeats();
// Only the content script that made this frame has its key; without it nothing is played here.
addEventListener("message", ({ data }) => {
  const { gomaa: key } = /** @type {{gomaa?: unknown}} */ (data ?? {});
  if (!port && typeof key === "string" && KEY.test(key)) open(key);
});
render();
const keyboard = new Keyboard(model, actions);
document.addEventListener("keydown", (event) => keyboard.onKeyDown(event));
new ResizeObserver(sendHeight).observe(document.body);
