/**
 * The in-page player: shows one view at a time for the engine's messages, and sends its page only a height.
 */

import { byId, fill, h, write } from "../ui/dom.js";
import { connect } from "../ui/port.js";
import { show, wei } from "../ui/amounts.js";
import { clock } from "../ui/time.js";
import { pressGuard } from "../ui/press_guard.js";
import { pressOnce } from "../ui/wake_delay.js";
import { counted, dress, sentences, t } from "../ui/text.js";
import { before } from "./before.js";
import { meaning } from "./keys.js";
import { canSeek, fixedHeight, live, NOTHING, rewardMode, SOUNDING, viewOf } from "./model.js";
import { music } from "./music.js";
import { head } from "./parts.js";
import { problem } from "./problem.js";
import { recordTimings } from "./timing_entries.js";

const SEEK_PAUSE_MS = 350;
const ASK_MS = 1500;

/** @type {import("./model.js").Model} */
const model = { terms: null, state: NOTHING, problem: null, at: performance.now() };
const card = byId("player");
let termsOpen = false;
let shown = "";
/** @type {import("./parts.js").View | null} */
let view = null;
/** @type {{ms: number, timer: ReturnType<typeof setTimeout>} | null} */
let pendingSeek = null;
/** Height that the page has, px. */
let sentHeight = 0;

/** @param {string} text */
const say = (text) => write(byId("live"), text);

/** @type {import("./parts.js").Actions} */
const actions = {
  send(type, fields = {}) {
    if (type !== "retry" && model.problem && !["refused", "failed", "loading"].includes(model.state.state))
      model.problem = null;
    port?.send({ type, ...fields });
  },
  toggleTerms() {
    if (!model.terms?.facts) return;
    termsOpen = !termsOpen;
    render();
  },
  termsOpen: () => termsOpen,
  open: () => port?.send({ type: "open" }),
  openOnboarding() {
    chrome.tabs.create({ url: chrome.runtime.getURL("onboarding/onboarding.html") });
  },
  openNetwork(origin) {
    chrome.tabs.create({
      url: chrome.runtime.getURL(`onboarding/onboarding.html#network=${encodeURIComponent(origin)}`),
    });
  },
  seekTo(ms) {
    if (!canSeek(model)) {
      say(t("noSeeks"));
      return;
    }
    // Presses in quick succession are joined to one seek: each seek is counted.
    const target = Math.round(Math.min(Math.max(0, ms), Math.max(0, model.state.duration_ms - 500)));
    if (pendingSeek) clearTimeout(pendingSeek.timer);
    model.state = { ...model.state, position_ms: target };
    model.at = performance.now();
    pendingSeek = {
      ms: target,
      timer: setTimeout(() => {
        pendingSeek = null;
        actions.send("seek", { position_ms: target });
        const left = model.state.left.seeks;
        say(
          [t("seekedTo", clock(target)), typeof left === "number" ? counted("seeksLeft", Math.max(0, left - 1)) : ""]
            .filter(Boolean)
            .join(" "),
        );
      }, SEEK_PAUSE_MS),
    };
    render();
  },
  speed(value) {
    if (!model.terms?.permits?.includes("rate") || value === model.state.rate) return;
    actions.send("rate", { value });
    say(t("speedIs", value));
  },
  turn(by) {
    const { index, count } = model.state.list;
    if (index + by >= 0 && index + by < count) actions.send("track", { by });
  },
  say,
};

/** @param {any} message of the port; the engine is of this extension, but a missing field must not stop the frame */
function onMessage(message) {
  if (message?.type === "terms") {
    model.terms = { ...message };
    if (model.state.state === "loading" || !model.state.duration_ms)
      model.state = { ...model.state, duration_ms: Number(message.duration_ms) || 0 };
    dress(model.terms?.title ? `${model.terms.title} · GoMAA` : "GoMAA");
  } else if (message?.type === "state") {
    const previous = model.state;
    const next = { ...NOTHING, ...message, left: message.left ?? {} };
    if (!next.duration_ms) next.duration_ms = model.terms?.duration_ms ?? 0;
    if (pendingSeek) next.position_ms = pendingSeek.ms;
    model.state = next;
    model.at = performance.now();
    recordTimings(message.timings);
    // A pending permission stays shown: a page's play may have come before the song was loaded.
    const waits =
      ["player.press", "site.budget"].includes(model.problem?.code ?? "") && ["loading", "ready"].includes(next.state);
    if (
      !waits &&
      !["refused", "failed", "loading"].includes(next.state) &&
      ["refused", "failed", "loading"].includes(previous.state)
    )
      model.problem = null;
    announce(previous, next);
  } else if (message?.type === "problem" && typeof message.code === "string") {
    model.problem = { code: message.code, detail: message.detail ?? {} };
  } else return;
  render();
}

/**
 * Announces rewards and changes of state to screen readers, but no seconds.
 * @param {import("./model.js").State} was
 * @param {import("./model.js").State} is
 */
function announce(was, is) {
  const more = wei(is.earned_wei) - wei(was.earned_wei);
  if (more > 0n && was.state !== "loading") say(t("spokenReward", show(more), show(is.earned_wei)));
  else if (is.pace && is.pace !== was.pace) say(sentences({ code: is.pace }).cause);
  else if (is.state !== was.state && is.state === "waiting") say(t("waiting"));
  else if (is.state !== was.state && is.state === "ended") say(t("heardToEnd"));
}

const isDelayed = pressGuard(() => render());

function render() {
  draw();
  sendHeight();
}

function draw() {
  const name = viewOf(model);
  card.dataset.state = model.state.state;
  // For reports: the code and its details, no data of the fan.
  if (model.problem)
    Object.assign(card.dataset, { code: model.problem.code, detail: JSON.stringify(model.problem.detail ?? {}) });
  else for (const name of ["code", "detail"]) delete card.dataset[name];
  // The waveform is drawn for one song; another song gets a new view.
  const key = name === "music" ? `music ${model.terms?.content} ${model.terms && rewardMode(model.terms)}` : name;
  // The music view is updated in place; every other view is made again.
  if ((key !== shown || name !== "music") && isDelayed()) return;
  if (key !== shown) {
    const hadFocus = card.contains(document.activeElement);
    shown = key;
    view =
      name === "music"
        ? music(actions, model)
        : name === "before"
          ? before(actions)
          : name === "problem"
            ? problem(actions)
            : loading();
    fill(card, view.nodes);
    view.update(model);
    if (hadFocus)
      /** @type {HTMLElement | null} */ (card.querySelector(".btn.primary:not([disabled])"))?.focus({
        preventScroll: true,
      });
    return;
  }
  view?.update(model);
}

/** @returns {import("./parts.js").View} */
function loading() {
  const body = h("div", { class: "body", "aria-busy": "true" });
  return {
    nodes: [body, h("div", { class: "foot" }, h("span", null, t("reading")))],
    update({ terms }) {
      const lines = terms?.title
        ? head(terms, "")
        : h(
            "div",
            { class: "head" },
            head(null, "").firstElementChild,
            h("h1", { class: "vh" }, t("aSong")),
            h("div", { class: "skeleton head-lines" }, h("i"), h("i")),
          );
      fill(body, lines, h("div", { class: "skeleton" }, h("i"), h("i")));
    },
  };
}

/** @param {KeyboardEvent} event */
function key(event) {
  if (!event.isTrusted || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = /** @type {HTMLElement} */ (event.target);
  const name = viewOf(model);
  const { state } = model;
  const action = meaning(event, {
    music: name === "music",
    position: live(model, performance.now()).position,
    duration: state.duration_ms,
    rate: state.rate,
    onButton: target.closest("button, a") !== null,
    onField: target.matches("input, select"),
    onSlider: target.matches(".seek"),
  });
  if (!action) return;
  event.preventDefault();
  // The repeats of a held key only seek and change the volume.
  if (!event.repeat || action.kind === "by" || action.kind === "louder") execute(action, name);
}

/** @param {import("./keys.js").Action} action @param {string} name of the view */
function execute(action, name) {
  const { state } = model;
  switch (action.kind) {
    case "terms":
      return actions.toggleTerms();
    case "toggle":
      if (name === "music") actions.send(SOUNDING.has(state.state) ? "pause" : "play");
      else if (name === "before" && state.state === "ready") actions.send("play");
      return undefined;
    case "to":
      return actions.seekTo(action.ms);
    case "by":
      return actions.seekTo(live(model, performance.now()).position + action.ms);
    case "louder":
      return louder(action.by);
    case "mute":
      actions.send("mute", { value: !state.muted });
      return say(t(state.muted ? "unmute" : "mute"));
    case "rate":
      return actions.speed(action.value);
    case "track":
      return actions.turn(action.by);
  }
}

/** @param {number} by */
function louder(by) {
  const value = Math.round(Math.min(1, Math.max(0, model.state.volume + by)) * 100) / 100;
  if (model.state.muted) actions.send("mute", { value: false });
  model.state = { ...model.state, volume: value, muted: false };
  actions.send("volume", { value });
  render();
}

function tick() {
  view?.tick?.(performance.now());
  setTimeout(() => requestAnimationFrame(tick), model.state.state === "playing" ? 120 : 400);
}

dress("GoMAA");
pressOnce();
/** @type {{send: (message: object) => boolean} | null} */
let port = null;
// Only the content script that made this frame has its key; without it nothing is played here.
addEventListener("message", ({ data }) => {
  const key = data?.gomaa;
  if (port || typeof key !== "string" || !/^[0-9a-f]{32}$/.test(key)) return;
  port = connect(`player:${key}`, onMessage, (up, gone) => {
    sentHeight = 0;
    if (gone)
      return fill(
        card,
        h(
          "div",
          { class: "body" },
          h("h1", { class: "title" }, t("reloadTitle")),
          h("p", { class: "dim" }, t("reloadLead")),
        ),
      );
    // A restarted engine opens the stream at the first request.
    if (!up) setTimeout(() => actions.send("retry"), ASK_MS);
    return undefined;
  });
  sendHeight();
});
render();
tick();
document.addEventListener("keydown", key);
new ResizeObserver(sendHeight).observe(document.body);

/**
 * Sends the height over the extension's port: a message to the page would reveal the extension's address, which
 * identifies an installation of Firefox.
 */
function sendHeight() {
  const fixed = fixedHeight(model);
  // A higher problem is scrolled; while a song loads there is nothing to press.
  document.documentElement.classList.toggle("fixed", fixed !== null && model.problem !== null);
  const height = fixed ?? Math.ceil(document.body.getBoundingClientRect().height);
  if (parent === window || height <= 0 || height === sentHeight) return;
  if (port?.send({ type: "height", height })) sentHeight = height;
}
