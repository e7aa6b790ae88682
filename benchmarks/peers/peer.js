// The peers behind one small face: shaka-player with ClearKey and hls.js with AES-128, both FLAC, both with the
// settings their makers ship, except that seeks are measured with a small buffer so that they land on unbuffered sound.
"use strict";

const LIBRARIES = { shaka: "/peers/lib/shaka-player.compiled.js", hls: "/peers/lib/hls.min.js" };
const CLEAR_KEYS = { "11111111222222223333333344444444": "0123456789abcdef0123456789abcdef" };
const SMALL_BUFFER_S = 8;

/** @param {string} src */
function script(src) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = src;
    element.onload = resolve;
    element.onerror = () => reject(new Error(`cannot load ${src}`));
    document.head.append(element);
  });
}

/** Until the condition holds, looking once per task. @param {() => unknown} condition */
async function until(condition, what = "") {
  const start = performance.now();
  const { port1, port2 } = new MessageChannel();
  while (!condition()) {
    if (performance.now() - start > 20000) throw new Error(`timeout: ${what}`);
    await new Promise((resolve) => {
      port1.onmessage = resolve;
      port2.postMessage(0);
    });
  }
}

class Peer {
  constructor(kind) {
    this.kind = kind;
    this.element = document.createElement("audio");
    document.body.append(this.element);
    this.running = false;
    for (const name of ["seeking", "waiting", "pause"])
      this.element.addEventListener(name, () => (this.running = false));
    this.element.addEventListener("playing", () => (this.running = true));
    this.element.addEventListener(
      "seeked",
      () => (this.running = !this.element.paused && this.element.readyState >= 3),
    );
  }

  async library() {
    await script(LIBRARIES[this.kind]);
    if (this.kind === "shaka") window.shaka.polyfill.installAll();
  }

  async load(small) {
    if (this.kind === "shaka") {
      this.player = new window.shaka.Player();
      await this.player.attach(this.element);
      this.player.configure({ drm: { clearKeys: CLEAR_KEYS } });
      if (small) this.player.configure({ streaming: { bufferingGoal: SMALL_BUFFER_S, bufferBehind: 4 } });
      await this.player.load("/peers/dash/index.mpd");
    } else {
      this.player = new window.Hls(
        small ? { maxBufferLength: SMALL_BUFFER_S, maxMaxBufferLength: SMALL_BUFFER_S, backBufferLength: 4 } : {},
      );
      this.player.loadSource("/peers/hls/index.m3u8");
      this.player.attachMedia(this.element);
    }
  }

  moving() {
    return this.running && this.element.currentTime > 0;
  }

  async destroy() {
    this.element.pause();
    await this.player?.destroy();
    this.element.remove();
  }
}

let peer;

window.bench = {
  /** First play on this page: load and play until the clock moves. Milliseconds; the library is loaded before. */
  async start(kind) {
    peer = new Peer(kind);
    await peer.library();
    const start = performance.now();
    await peer.load(false);
    peer.element.play().catch(() => undefined);
    await until(() => peer.moving(), `${kind} start`);
    return performance.now() - start;
  },

  /** The same once more on the page that has played before. */
  async again(kind) {
    await peer.destroy();
    peer = new Peer(kind);
    const start = performance.now();
    await peer.load(false);
    peer.element.play().catch(() => undefined);
    await until(() => peer.moving(), `${kind} again`);
    return performance.now() - start;
  },

  /** play() on a player that has loaded and buffered. */
  async prepared(kind) {
    peer = new Peer(kind);
    await peer.library();
    await peer.load(false);
    await until(() => peer.element.buffered.length && peer.element.buffered.end(0) > 2, `${kind} buffered`);
    const start = performance.now();
    peer.element.play().catch(() => undefined);
    await until(() => peer.moving(), `${kind} prepared`);
    return performance.now() - start;
  },

  /** Seeks, each to a place that is not buffered; `places` are shares (0 to 1) of the song. */
  async seeks(kind, places) {
    peer = new Peer(kind);
    await peer.library();
    await peer.load(true);
    peer.element.play().catch(() => undefined);
    await until(() => peer.moving(), `${kind} start`);
    const out = [];
    for (const place of places) {
      const target = place * (peer.element.duration - 8);
      const from = peer.element.currentTime;
      await until(() => peer.moving() && peer.element.currentTime > from + 0.2, `${kind} steady`);
      const buffered = peer.element.buffered;
      let held = false;
      for (let i = 0; i < buffered.length; i++)
        held ||= target >= buffered.start(i) - 1 && target < buffered.end(i) + 1;
      const start = performance.now();
      peer.running = false;
      peer.element.currentTime = target;
      await until(() => peer.running && peer.element.currentTime > target, `${kind} seek`);
      if (!held) out.push(performance.now() - start);
    }
    return out;
  },
};
