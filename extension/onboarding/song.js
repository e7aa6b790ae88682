/**
 * The pages "song" and "reward": the first song and its reward, polled from the other tab.
 */

import { show, wei } from "../ui/amounts.js";
import { fill, h, press } from "../ui/dom.js";
import { rewardMeter } from "../ui/reward_meter.js";
import { icon } from "../ui/icons.js";
import { moneyState } from "../ui/pieces.js";
import { moment } from "../ui/time.js";
import { language, t } from "../ui/text.js";

const POLL_PLAYING_MS = 1500;

/** @typedef {import("../shared/wallet_earnings.d.ts").NowPlaying} NowPlaying */

/** @param {string} url */
function stationLink(url) {
  return h(
    "a",
    { class: "btn primary big", href: url, target: "_blank", rel: "noreferrer" },
    t("openStation", new URL(url).host),
    icon("outside"),
  );
}

/**
 * @param {import("./app.js").App} app
 * @returns {HTMLElement}
 */
export function song(app) {
  const checks = h("ul", { class: "list checks" });
  const line = (
    /** @type {string} */ shape,
    /** @type {string} */ name,
    /** @type {string} */ sub,
    /** @type {boolean} */ good,
  ) =>
    h(
      "li",
      null,
      icon(shape),
      h("span", { class: "grow" }, name, sub ? h("span", { class: "sub" }, sub) : null),
      good ? moneyState("claimed", t("yes")) : moneyState("pending", t("waitingFor")),
    );
  const draw = (/** @type {NowPlaying | null} */ playing) =>
    fill(
      checks,
      line(
        "music",
        t("songPlays"),
        playing ? `${playing.title} · ${playing.artist}` : t("songPlaysLead"),
        Boolean(playing),
      ),
      line("coin", t("rewardComes"), t("rewardComesLead"), false),
    );
  draw(null);
  app.every(POLL_PLAYING_MS, async () => {
    try {
      const playing = await app.request("wallet.playing");
      const song = playing.content === undefined ? null : playing;
      draw(song);
      if (song && wei(song.earned_wei) > 0n) app.go("reward");
    } catch {
      // There is no wallet, or the engine is starting.
    }
  });
  const { from } = app.draft;
  return h(
    "div",
    null,
    h("div", null, h("h1", null, t("songTitle")), h("p", { class: "lead" }, t(from ? "songLeadFrom" : "songLead"))),
    from
      ? null
      : h(
          "ol",
          { class: "steps card" },
          ["songStep1", "songStep2", "songStep3"].map((key) => h("li", null, h("p", null, t(key)))),
        ),
    h("section", { class: "card", "aria-label": t("liveCheck") }, checks),
    h("div", { class: "note" }, icon("shield"), h("span", null, h("b", null, t("learnsTitle")), " ", t("learns"))),
    h(
      "div",
      { class: "row between" },
      press(h("button", { type: "button", class: "btn quiet flush" }, t("skip")), () => window.close()),
      from ? stationLink(from) : h("span", { class: "s faint" }, t("stepOf", 3, 4)),
    ),
  );
}

/**
 * @param {import("./app.js").App} app
 * @returns {HTMLElement}
 */
export function reward(app) {
  const top = h("div", { class: "reward-head" });
  const steps = h("ol", { class: "steps card" });
  const meter = rewardMeter(1, "huge");
  const draw = (/** @type {NowPlaying | null} */ playing, /** @type {number | null} */ due) => {
    if (playing) {
      fill(
        top,
        meter.node,
        h(
          "div",
          { class: "stack hair" },
          h("h1", { class: "s dim" }, t("firstReward")),
          h("p", { class: "sum num" }, `+${show(playing.earned_wei)} `, h("span", { class: "dim" }, "GoMAA")),
          h("p", null, t("rewardFor", playing.title)),
        ),
      );
    }
    fill(
      steps,
      h(
        "li",
        { class: "done" },
        h("p", null, h("b", null, t("stepListened")), " ", h("span", { class: "dim" }, t("stepReceiptNote"))),
      ),
      h(
        "li",
        { class: "now" },
        h(
          "p",
          null,
          h("b", null, t("stepPending")),
          " ",
          h("span", { class: "dim" }, due ? t("about", moment(due, language())) : t("stepPendingNote")),
        ),
      ),
      h("li", null, h("p", null, h("b", null, t("stepWallet")), " ", h("span", { class: "dim" }, t("stepWalletNote")))),
    );
  };
  fill(top, meter.node, h("h1", null, t("firstReward")));
  draw(null, null);
  let due = /** @type {number | null} */ (null);
  app.request("wallet.summary").then(
    (summary) => {
      due = summary.due_s;
    },
    () => {},
  );
  app.every(POLL_PLAYING_MS, async () => {
    const playing = await app.request("wallet.playing").catch(() => null);
    draw(playing?.content === undefined ? null : playing, due);
  });
  return h(
    "div",
    null,
    top,
    steps,
    h("div", { class: "note good" }, icon("music"), h("span", null, t("rewardPlays"))),
    h(
      "div",
      { class: "row between" },
      h("span", { class: "s dim" }, t("pinHint")),
      press(h("button", { type: "button", class: "btn primary big" }, t("finish")), () => window.close()),
    ),
  );
}
