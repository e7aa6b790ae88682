// Plays the end of one song and the beginning of the next one through the extension's own TrackAudio, and keeps every
// sample that comes out.
import { TrackAudio } from "./engine/media/track_audio.js";

const RECORDER = `registerProcessor("recorder", class extends AudioWorkletProcessor {
  process([input]) {
    if (input[0]) this.port.postMessage(input[0].slice());
    return true;
  }
});`;
const EDGE_S = 1;

const bytes = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
const once = (target, name) => new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));

async function sound({ mime, duration_ms, name }) {
  const made = new TrackAudio(() => undefined);
  await made.prepare(mime, duration_ms, await bytes(`${name}.init`));
  return made;
}

async function fill(made, { name, count }) {
  for (let i = 0; i < count; i++) await made.append(await bytes(`${name}.${i}`));
}

async function run() {
  const [first, second] = await (await fetch("songs.json")).json();
  const context = new AudioContext({ sampleRate: 44_100 });
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([RECORDER], { type: "text/javascript" })));
  const a = await sound(first);
  const b = await sound(second);
  await fill(a, first);
  await b.follow(a);
  await fill(b, second);
  await b.finish();
  const tap = new AudioWorkletNode(context, "recorder", { channelCount: 1, channelCountMode: "explicit" });
  const blocks = [];
  tap.port.onmessage = ({ data }) => blocks.push(data);
  context.createMediaElementSource(b.audio).connect(tap).connect(context.destination);
  const sought = once(b.audio, "seeked");
  b.audio.currentTime = b.startS - EDGE_S;
  await sought;
  await b.audio.play();
  while (b.audio.currentTime < b.startS + EDGE_S) await new Promise((resolve) => setTimeout(resolve, 20));
  b.audio.pause();
  const all = Int16Array.from(
    blocks.flatMap((block) => [...block]),
    (value) => Math.round(value * 32_767),
  );
  await context.close();
  let text = "";
  for (const byte of new Uint8Array(all.buffer)) text += String.fromCharCode(byte);
  return { start_s: b.startS, samples: btoa(text), crossed: !b.isJoining };
}

document.getElementById("go").addEventListener("click", () => {
  window.result = null;
  run().then(
    (result) => (window.result = result),
    (error) => (window.result = { error: String(error) }),
  );
});
