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

class Peer {
  constructor(kind) {
    this.kind = kind;
    this.element = document.createElement("audio");
    document.body.append(this.element);
  }

  /** Loads the kind's script once; a page has one kind. */
  async library() {
    if (window.shaka ?? window.Hls) return;
    await script(LIBRARIES[this.kind]);
    if (this.kind === "shaka") window.shaka.polyfill.installAll();
  }

  /** Loads; the element may be asked to play afterwards. @param {boolean} [small] True for a small buffer. */
  async load(small = false) {
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

  async destroy() {
    this.element.pause();
    await this.player?.destroy();
    this.element.remove();
  }
}

window.bench = {
  /** Starts a peer; resolves when its element plays. */
  async start(kind) {
    const peer = new Peer(kind);
    const playing = new Promise((resolve) => peer.element.addEventListener("playing", resolve, { once: true }));
    await peer.library();
    await peer.load();
    peer.element.play().catch(() => undefined);
    await playing;
  },
};
