// The studio's page: upload, analysis, preview and release of a recording.

import { call, startRelease, uploadRecording, watchRelease } from "./api.js";
import { $, length, megabytes, meter, text } from "./dom.js";
import { form, onTermsChange, resetForm, showTerms } from "./terms.js";

/** @type {{id: string, title: string, artist: string, seconds: number} | null} */
let recording = null;
let layers = /** @type {string[]} */ ([]);
let lastRequest = 0;

/** Announce something to screen readers. @param {string} words */
const announce = (words) => text("said", words);

/** Show an error, or hide the last one. @param {unknown} [error] @param {string} [source] part of the page */
function showError(error, source = "") {
  const words = error instanceof Error ? error.message : "";
  $("problem").dataset.source = source;
  text("problem", words);
  $("problem").hidden = !words;
}

/** Fetch the sentences and amounts of the terms; only the response to the latest request is shown. */
async function updateTerms() {
  const request = ++lastRequest;
  try {
    const terms = await call("terms", { terms: form(), seconds: recording?.seconds ?? 180, artist: $("artist").value });
    if (request !== lastRequest) return;
    showTerms(terms, recording?.seconds ?? 180);
    if ($("problem").dataset.source === "terms") showError();
  } catch (error) {
    if (request === lastRequest) showError(error, "terms");
  }
}

/** Copy title and artist to the listener's card. */
function showNames() {
  text("card-title", $("title").value || "Your song");
  text("card-artist", $("artist").value);
}

/** Upload and analyse a recording. @param {File} file */
async function analyse(file) {
  showError();
  $("empty").hidden = true;
  $("found").hidden = true;
  $("arriving").hidden = false;
  text("arriving-name", `Reading ${file.name}, ${megabytes(file.size)}`);
  announce(`Reading ${file.name}.`);
  try {
    const analysis = await uploadRecording(file, (share) => meter("arriving-bar", share));
    recording = analysis;
    showAnalysis(analysis);
  } catch (error) {
    recording = null;
    showError(error);
    $("empty").hidden = false;
  }
  $("arriving").hidden = true;
  $("file").value = "";
  $("sign").disabled = !recording;
  await updateTerms();
}

/** Show the analysis of a recording. @param {any} analysis */
function showAnalysis(analysis) {
  $("found").hidden = false;
  text("name", analysis.name);
  const loud = analysis.integrated === null ? "silent" : `${analysis.integrated.toFixed(1).replace("-", "−")} LUFS`;
  const channels = analysis.channels === 1 ? "mono" : "stereo";
  text(
    "facts",
    [
      length(analysis.seconds),
      `${analysis.bits} bit, ${analysis.rate / 1000} kHz, ${channels}`,
      loud,
      megabytes(analysis.size),
    ].join(" · "),
  );
  $("cover").hidden = !analysis.cover;
  $("no-cover").toggleAttribute("hidden", analysis.cover);
  if (analysis.cover) $("cover").src = `api/recordings/${analysis.id}/cover`;
  for (const name of ["title", "artist", "album", "isrc"]) if (analysis[name]) $(name).value = analysis[name];
  const advice = [];
  if (analysis.integrated === null) advice.push("This recording is silent.");
  if (analysis.true_peak !== null && analysis.true_peak > -0.1)
    advice.push(`Its true peak is ${analysis.true_peak.toFixed(1)} dBTP: lossy copies of it may clip.`);
  if (analysis.seconds < 10) advice.push("It is shorter than ten seconds.");
  text("advice", advice.join(" ") || "Nothing to worry about: no clipping.");
  const step = 750 / Math.max(1, analysis.waveform.length);
  const bars = analysis.waveform.map((/** @type {number} */ peak, /** @type {number} */ n) => {
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const height = Math.max(1, (peak / 255) * 48);
    for (const [name, value] of Object.entries({
      x: n * step + 1,
      y: (48 - height) / 2,
      width: step * 0.6,
      height,
      rx: 1.5,
      class: "u",
    }))
      bar.setAttribute(name, String(value));
    return bar;
  });
  $("wave").replaceChildren(...bars);
  $("preview").hidden = true;
  $("preview").removeAttribute("src");
  showNames();
  announce(`${analysis.name} is ready, ${length(analysis.seconds)}.`);
}

const STEPS = [
  ["convert", "Encrypted, marked and signed"],
  ["contract", "Contract on the chain"],
  ["keys", "Keys handed to your security server"],
  ["packages", "Files for stations written"],
  ["receipt", "Receipt written"],
];

/** Show a release's state. @param {any} state */
function showRelease(state) {
  $("progress").hidden = false;
  text("releasing", state.title);
  const at = STEPS.findIndex(([name]) => name === state.step);
  const ended = state.receipt !== null;
  const done = ended ? STEPS.length : at;
  const share = ended ? 1 : (at + (state.share ?? 0.5)) / STEPS.length;
  meter("bar", share);
  text("stage", ended ? "Done" : `${done} of ${STEPS.length}`);
  $("stage").className = ended ? "state settled" : state.error ? "state refused" : "state pending";
  text("h-progress", ended ? "Released" : state.error ? "Stopped" : "Releasing now");
  $("steps").replaceChildren(
    ...STEPS.map(([, words], n) => {
      const item = document.createElement("li");
      item.className = n < done ? "done" : n === at && !state.error ? "now" : "";
      if (item.className === "now") item.setAttribute("aria-current", "step");
      item.textContent = words ?? "";
      return item;
    }),
  );
  text("failed", state.error ? `${state.error.message} Nothing is lost: what is done stays done.` : "");
  $("failed").hidden = $("failed-actions").hidden = !state.error;
  $("done").hidden = !ended;
  if (ended) {
    text("address", state.receipt.content);
    text("files", state.receipt.files.map((/** @type {any} */ file) => file.path.split(/[\\/]/).pop()).join(", "));
    announce(`${state.title} is out.`);
  } else if (state.error) announce(state.error.message);
  // One recording makes one song: a failed release is retried, a finished one is final.
  $("sign").disabled = true;
}

/** Watch a release until it has ended. @param {string} id */
async function watchUntilEnd(id) {
  await watchRelease(id, showRelease);
  await refresh();
}

/** Start the release. */
async function sign() {
  if (!recording) return;
  showError();
  $("sign").disabled = true;
  const fields = Object.fromEntries(["title", "artist", "album", "isrc"].map((name) => [name, $(name).value]));
  try {
    const started = await startRelease({
      recording: recording.id,
      ...fields,
      terms: form(),
      layers: $("mark").checked ? layers.slice(0, 1) : [],
      renditions: $("thin").checked ? ["opus"] : [],
    });
    $("progress").hidden = false;
    $("progress").scrollIntoView({ block: "nearest" });
    await watchUntilEnd(started.id);
  } catch (error) {
    showError(error);
    $("problem").scrollIntoView({ block: "nearest" });
    $("sign").disabled = false;
  }
}

/** Show owner, server and released songs. */
async function refresh() {
  const state = await call("state");
  text("owner", `${state.owner.slice(0, 6)}…${state.owner.slice(-4)}`);
  $("owner").title = state.owner;
  $("signer").hidden = false;
  text("server", state.server);
  text("folder", state.folder);
  layers = state.layers;
  if (!layers.length) {
    $("mark").checked = false;
    $("mark").disabled = true;
    text("mark-note", "the watermark is not installed here");
  }
  $("table").hidden = !state.songs.length;
  $("none").hidden = state.songs.length > 0;
  $("rows").replaceChildren(
    ...state.songs.map((/** @type {any} */ song) => {
      const row = document.createElement("tr");
      for (const value of [song.title, song.artist, song.content, new Date(song.released_s * 1000).toLocaleString()])
        row.insertCell().textContent = value;
      row.cells[2]?.classList.add("mono");
      return row;
    }),
  );
  return state;
}

$("file").addEventListener("change", () => $("file").files?.[0] && analyse($("file").files[0]));
$("replace").addEventListener("click", () => $("file").click());
for (const kind of ["dragenter", "dragover"])
  $("drop").addEventListener(kind, (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
for (const kind of ["dragleave", "drop"])
  $("drop").addEventListener(kind, (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    $("drop").classList.remove("over");
  });
$("drop").addEventListener(
  "drop",
  (/** @type {DragEvent} */ event) => event.dataTransfer?.files[0] && analyse(event.dataTransfer.files[0]),
);
// A file dropped beside the field must not navigate away.
for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
for (const name of ["title", "artist"]) $(name).addEventListener("input", showNames);
$("artist").addEventListener("change", updateTerms);
$("hear").addEventListener("click", async () => {
  if (!recording) return;
  $("preview").src =
    `api/recordings/${recording.id}/preview?layers=${$("mark").checked ? layers.slice(0, 1).join() : ""}`;
  $("preview").hidden = false;
  await $("preview")
    .play()
    .catch(() => {});
});
$("mark").addEventListener("change", () => {
  $("preview").hidden = true;
  $("preview").removeAttribute("src");
});
$("sign").addEventListener("click", sign);
$("again").addEventListener("click", async () => {
  const id = $("again").dataset.release;
  if (id)
    await call(`releases/${id}/again`, {})
      .then(() => watchUntilEnd(id))
      .catch(showError);
});

onTermsChange(updateTerms);
resetForm();
try {
  const state = await refresh();
  await updateTerms();
  const running = state.releases.find((/** @type {any} */ release) => !release.receipt);
  if (running) await watchUntilEnd(running.id);
} catch (error) {
  showError(error);
}
