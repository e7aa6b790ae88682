// The form of terms, and the sentences and amounts that the server computes of them.

import { $, length, text } from "./dom.js";

const PRICES = [
  "0.0010",
  "0.0020",
  "0.0030",
  "0.0050",
  "0.0080",
  "0.0100",
  "0.0150",
  "0.0200",
  "0.0300",
  "0.0500",
  "0.1000",
];
const PLAYS = [0, 1, 3, 5, 10, 20, 50, 100];
const DAYS = [0, 1, 2, 7, 30, 90, 365];
const PREVIEWS = [0, 15, 30, 45, 60, 90];
const OFFLINE = [0, 2, 12, 24, 48, 168];
/** Values of each preset; indexes into the lists above. @type {Record<string, Record<string, any>>} */
const PRESETS = {
  radio: { price: 5, share: 20, plays: 0, days: 0, interval_s: 5, payer: "station", wallet: false },
  ten: { price: 8, share: 15, plays: 4, days: 4, interval_s: 10, payer: "station", wallet: true },
  gift: { price: 0, share: 0, plays: 0, days: 0, interval_s: 30, payer: "nobody", wallet: false },
};
const LABELS = {
  en: { may: "You may", left: "Left for you", costs: "Costs you", earn: "You earn" },
  zh: { may: "你可以", left: "剩余", costs: "花费", earn: "收入" },
};

let preset = "radio";
let language = /** @type {"en" | "zh"} */ ("en");
/** @type {any} */
let shown = null;

/** The form's values, as the server's `TermsForm` reads them. */
export function form() {
  const chosen = PRESETS[preset] ?? {};
  return {
    price: PRICES[Number($("price").value)],
    interval_s: chosen.interval_s,
    share: Number($("share").value),
    payer: chosen.payer,
    plays: PLAYS[Number($("plays").value)],
    days: DAYS[Number($("days").value)],
    seek: $("seek").checked,
    download: $("download").checked,
    wallet: $("wallet").checked,
    offline_h: OFFLINE[Number($("offline").value)],
    preview_s: PREVIEWS[Number($("preview-s").value)],
    self_destruct: $("destruct").checked,
    stations: $("everywhere").checked ? [] : $("domains").value.split(","),
  };
}

/** Update texts and fill of the sliders. */
function updateLabels() {
  const free = PRESETS[preset]?.payer === "nobody";
  const plays = PLAYS[Number($("plays").value)] ?? 0;
  const days = DAYS[Number($("days").value)] ?? 0;
  const preview = PREVIEWS[Number($("preview-s").value)];
  const offline = OFFLINE[Number($("offline").value)] ?? 0;
  const texts = {
    "preview-s": preview ? `${preview} s` : "none",
    offline: offline ? (offline > 48 ? `${offline / 24} days` : `${offline} hours`) : "10 minutes",
    price: free ? "free" : `${PRICES[Number($("price").value)]} GoMAA`,
    share: free ? "0 %" : `${$("share").value} %`,
    plays: plays ? String(plays) : "as often as they like",
    days: days ? `${days} day${days === 1 ? "" : "s"}` : "no end",
  };
  for (const [id, words] of Object.entries(texts)) {
    text(`${id}-said`, words);
    $(id).setAttribute("aria-valuetext", words);
    $(id).style.setProperty(
      "--v",
      `${((Number($(id).value) - Number($(id).min)) / (Number($(id).max) - Number($(id).min))) * 100}%`,
    );
  }
  $("price").disabled = $("share").disabled = free;
  text("every", String(PRESETS[preset]?.interval_s));
  text(
    "price-note",
    free ? "A gift: nobody pays and nobody earns." : "The station pays this for music that is really heard.",
  );
  $("domains-field").hidden = $("everywhere").checked;
  for (const button of document.querySelectorAll("[data-preset]"))
    button.setAttribute("aria-pressed", String(button.getAttribute("data-preset") === preset));
}

/** Apply a preset to the form. @param {string} name */
function applyPreset(name) {
  preset = name;
  const chosen = PRESETS[name] ?? {};
  for (const id of ["price", "share", "plays", "days", "preview-s", "offline"]) $(id).value = String(chosen[id] ?? 0);
  $("wallet").checked = chosen.wallet;
  updateLabels();
}

/** Set the form to its defaults; browsers keep values over a reload. */
export function resetForm() {
  for (const [id, on] of Object.entries({
    seek: true,
    download: false,
    destruct: false,
    everywhere: true,
    mark: true,
    thin: false,
  }))
    $(id).checked = on;
  applyPreset("radio");
}

/** Register a listener for changes of the terms. @param {() => void} changed */
export function onTermsChange(changed) {
  $("terms").addEventListener("input", () => {
    updateLabels();
    changed();
  });
  for (const button of document.querySelectorAll("[data-preset]"))
    button.addEventListener("click", () => {
      applyPreset(button.getAttribute("data-preset") ?? "radio");
      changed();
    });
  for (const button of document.querySelectorAll("[data-tongue]"))
    button.addEventListener("click", () => {
      language = button.getAttribute("data-tongue") === "zh" ? "zh" : "en";
      for (const other of document.querySelectorAll("[data-tongue]"))
        other.setAttribute("aria-pressed", String(other === button));
      showSentences();
    });
}

/** Show the sentences in the chosen language. */
function showSentences() {
  if (!shown) return;
  $("card").lang = language;
  const sentences = shown.words[language];
  for (const name of /** @type {const} */ (["may", "left", "costs", "earn"])) {
    text(name, sentences[name]);
    const head = document.querySelector(`[data-word="${name}"]`);
    if (head) head.textContent = LABELS[language][name];
  }
  $("limits").replaceChildren(
    ...sentences.limits.map((/** @type {string} */ line) =>
      Object.assign(document.createElement("li"), { textContent: line }),
    ),
  );
}

/** Show sentences and amounts of the terms. @param {any} terms @param {number} seconds length of the song */
export function showTerms(terms, seconds) {
  shown = terms;
  showSentences();
  const { money } = terms;
  text("play-head", `One full play, ${length(seconds)}`);
  const payer = { station: "Station pays", listener: "Listener pays", nobody: "Nobody pays" }[
    /** @type {"station"} */ (terms.payer)
  ];
  text("pays", terms.payer === "nobody" ? payer : `${payer}, ${terms.intervals} × ${terms.interval_s} s`);
  text("m-total", money.total.shown);
  for (const name of ["listener", "platform"]) text(`m-${name}`, `− ${money[name].shown}`);
  text("m-band", money.band.shown);
  const total = Number(money.total.wei) || 1;
  let at = 0;
  for (const [selector, name] of [
    [".band", "band"],
    [".fan", "listener"],
    [".platform", "platform"],
  ]) {
    const part = $("split").querySelector(selector);
    const width = (Number(money[/** @type {string} */ (name)].wei) / total) * 100;
    part.setAttribute("x", String(at));
    part.setAttribute("width", String(width));
    at += width;
  }
}
