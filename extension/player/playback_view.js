/**
 * The view during playback and after the end: waveform, controls and the reward meter.
 */

import { show, wei } from "../ui/amounts.js";
import { fill, h, press, set, write } from "../ui/dom.js";
import { rewardMeter } from "../ui/reward_meter.js";
import { icon, iconButton } from "../ui/icons.js";
import { amount } from "../ui/pieces.js";
import { clock, secondsLeft } from "../ui/time.js";
import { plural, problemTexts, t } from "../ui/text.js";
import { RATES } from "./keys.js";
import { canSeek, intervalPercents, intervalFraction, extrapolate, nextSecond, rewardMode } from "./model.js";
import { footNote, head, showProblemNote, termsLink } from "./parts.js";
import { allTerms } from "./all_terms.js";
import { wave } from "./wave.js";

/** @typedef {import("./model.js").Model} Model */

/** States in which the main button pauses. */
const PAUSABLE = new Set(["playing", "waiting", "starting"]);

/**
 * Creates the view.
 * @param {import("./view.js").Actions} actions
 * @param {Model} first
 * @returns {import("./view.js").View}
 */
export function playbackView(actions, first) {
  const terms = /** @type {import("./model.js").Terms} */ (first.terms);
  let model = first;
  const position = h("span", { class: "num" });
  const duration = h("span", { class: "num" });
  const positionText = (/** @type {number} */ ms) => t("positionOf", clock(ms), clock(model.state.duration_ms));
  const line = wave({
    waveform: terms.waveform,
    label: t("seekBar"),
    seek: (ms) => actions.seekTo(ms, true),
    prepare: actions.prepareSeek,
    text: (ms) => clock(ms),
  });
  const ticks = h("div", { class: "ticks", "aria-hidden": "true" });
  const legend = h("span", { class: "legend" }, t("intervalEarned", show(terms.reward_wei), terms.interval_s));

  const main = h("button", { type: "button", class: "btn primary round" });
  press(main, () => actions.send({ type: PAUSABLE.has(model.state.state) ? "pause" : "play" }));
  const back = press(iconButton("back10", t("back10"), "", "l"), () =>
    actions.seekTo(extrapolate(model, performance.now()).position - 10_000),
  );
  const forward = press(iconButton("forward10", t("forward10"), "", "l"), () =>
    actions.seekTo(extrapolate(model, performance.now()).position + 10_000),
  );
  const mute = press(iconButton("volume", t("mute")), () => actions.send({ type: "mute", value: !model.state.muted }));
  const range = h("input", { class: "range", type: "range", min: 0, max: 100, step: 1, "aria-label": t("volume") });
  range.addEventListener("input", (event) => {
    if (!event.isTrusted) return;
    range.style.setProperty("--v", `${range.value}%`);
    actions.send({ type: "volume", value: Number(range.value) / 100 });
  });

  const previous = press(iconButton("previous", t("previousTrack")), () => actions.changeTrack(-1));
  const following = press(iconButton("following", t("nextTrack")), () => actions.changeTrack(1));
  const trackNumber = h("span", { class: "xs dim num" });
  const list = h("div", { class: "tracks row", hidden: true }, previous, trackNumber, following);
  const rates = RATES.map((value) => h("option", { value }, `${value}×`));
  const speed = h(
    "select",
    { class: "speed num", "aria-label": t("speed"), title: t("speed"), hidden: !terms.permits?.includes("rate") },
    rates,
  );
  speed.addEventListener("change", (event) => {
    if (event.isTrusted) actions.setRate(Number(speed.value));
  });

  const meter = rewardMeter(0);
  const sum = h("p", { class: "sum num" });
  const next = h("p", { class: "xs dim num" });
  const reward = h("div", { class: "reward" }, meter.node, h("div", null, sum, next));
  const problemNote = h("div", { class: "note wrap", hidden: true, role: "alert" });
  const more = h("div");
  const scale = h("div", { class: "scale" }, position, legend, duration);
  const body = h(
    "div",
    { class: "body" },
    head(terms, terms.station?.name ?? ""),
    h("div", { class: "stack t" }, line.node, ticks, scale),
    h(
      "div",
      { class: "controls" },
      h("div", { class: "transport" }, back, main, forward),
      h("div", { class: "vol" }, mute, range),
      h("div", { class: "more" }, speed, list),
      reward,
    ),
    problemNote,
    more,
  );
  const link = termsLink(actions, t("terms"));
  const notes = h("span", { class: "row wrap" });
  const foot = h("div", { class: "foot" }, notes, link);

  let mainIcon = "";
  let termsShown = false;
  let dashCount = -1;
  const tick = (/** @type {number} */ nowMs) => {
    const at = extrapolate(model, nowMs);
    line.set(at.position, model.state.duration_ms, canSeek(model), positionText(at.position));
    write(position, clock(at.position));
    const mode = rewardMode(/** @type {import("./model.js").Terms} */ (model.terms ?? terms));
    const earning = mode === "earns" || wei(model.state.earned_wei) > 0n;
    const ended = model.state.state === "ended";
    // Still: a breathing ring would be composited at every refresh of the screen, as long as the music plays.
    meter.set(earning ? (ended ? 1 : intervalFraction(at.next, terms.interval_s)) : 0, true);
    const isHeard = model.state.state === "playing" && model.state.heard_rate > 0;
    // Until the next state reports the reward its interval is nearly over.
    const left = Math.max(isHeard ? 1 : 0, secondsLeft(at.next));
    const { pay } = model.state;
    const withoutReward = pay
      ? pay.need === null || wei(pay.spent_wei) > 0n
        ? `${t("youPaid")} ${show(pay.spent_wei)} GoMAA`
        : t(`payNeed_${pay.need}`)
      : mode === "unpaid"
        ? t("noRewardSong")
        : t("noRewardWithout");
    write(
      next,
      !earning
        ? withoutReward
        : ended
          ? t("rewardPending")
          : model.state.state === "playing" && left > 0
            ? t("nextIn", show(terms.reward_wei), left)
            : t("nextWaits", show(terms.reward_wei)),
    );
    return earning;
  };

  return {
    nodes: [body, foot],
    tick,
    next: (nowMs) => nextSecond(model, nowMs),
    update(now) {
      model = now;
      const { state } = now;
      const earning = tick(performance.now());
      const waiting = state.state === "waiting" || state.state === "starting" || state.state === "seeking";
      body.classList.toggle("waiting", waiting);
      const wanted = state.state === "playing" || waiting ? "pause" : state.state === "ended" ? "again" : "play";
      if (wanted !== mainIcon) {
        mainIcon = wanted;
        fill(main, icon(wanted, "l"));
        const label = t(wanted === "again" ? "playAgain" : wanted);
        set(main, { "aria-label": label, title: label });
      }
      line.setPassages(now.terms?.passages ?? null);
      const isSeekable = canSeek(now);
      for (const button of [back, forward]) button.disabled = !isSeekable;
      if (document.activeElement !== range) range.value = String(Math.round(state.volume * 100));
      range.style.setProperty("--v", `${state.muted ? 0 : Number(range.value)}%`);
      if (mute.dataset.muted !== String(state.muted)) {
        mute.dataset.muted = String(state.muted);
        fill(mute, icon(state.muted ? "muted" : "volume"));
        set(mute, { "aria-label": t(state.muted ? "unmute" : "mute"), title: t(state.muted ? "unmute" : "mute") });
      }
      write(duration, clock(state.duration_ms));
      if (document.activeElement !== speed)
        speed.value = String(
          RATES.includes(state.rate) ? state.rate : (RATES.findLast((value) => value < state.rate) ?? 1),
        );
      const { index, count } = state.list;
      list.hidden = count < 2;
      write(trackNumber, t("trackOf", index + 1, count));
      previous.disabled = index === 0;
      following.disabled = index + 1 >= count;
      fill(sum, amount(state.earned_wei, "+", "b"), " ", h("span", null, "GoMAA"));
      reward.classList.toggle("off", !earning);

      const row = earning ? intervalPercents(state.heard_ms, state.duration_ms, terms.interval_s) : [];
      if (row.length !== dashCount) {
        dashCount = row.length;
        fill(
          ticks,
          row.map(() => h("i")),
        );
        ticks.hidden = legend.hidden = row.length === 0;
      }
      row.forEach((value, i) => /** @type {HTMLElement} */ (ticks.children[i]).style.setProperty("--v", `${value}%`));

      showProblemNote(problemNote, now.problem);
      if (termsShown !== actions.termsOpen()) {
        termsShown = actions.termsOpen();
        fill(more, termsShown ? allTerms(now.terms ?? terms) : null);
        set(link, { "aria-expanded": String(termsShown) });
      }
      more.hidden = !termsShown;
      drawFootNotes(notes, now);
    },
  };
}

/**
 * Draws the notes of the footer.
 * @param {HTMLElement} root
 * @param {Model} model
 */
function drawFootNotes(root, { state }) {
  const { plays, seeks } = state.left;
  const pace = state.pace ? problemTexts({ code: state.pace }) : null;
  const words = pace
    ? [footNote("pending", pace.cause), footNote("shield", pace.fix)]
    : state.state === "starting"
      ? [footNote("shield", t("opening"))]
      : state.state === "waiting"
        ? [footNote("pending", t("waiting"))]
        : [
            typeof plays === "number"
              ? footNote(
                  "again",
                  state.state === "ended" ? plural("playsLeft", plays) : plural("playsLeftAfter", plays),
                )
              : null,
            typeof seeks === "number" ? footNote("forward10", plural("seeksLeft", seeks)) : null,
            state.state === "ended" ? footNote("settled", t("heardToEnd"), "good") : null,
          ];
  const key = words.map((note) => note?.textContent ?? "").join("|");
  if (root.dataset.key === key) return;
  root.dataset.key = key;
  fill(root, words.some(Boolean) ? words : footNote("shield", t("signed")));
}
