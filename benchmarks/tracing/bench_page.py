"""The script of the page in which clicks are measured: events end each wait, nothing polls."""

from __future__ import annotations

from typing import Final

from benchmarks.tracing.reader import PREFIX, SOUND, WISH

PREPARED_MS: Final = 800
"""Time that an element is ready before its play: session, ticket and lease are there."""

END: Final = "click-end"
"""Event of the document at the end of what ``clicks.start`` has started; ``clicks.outcome`` is then set."""

SCRIPT: Final = (
    """window.clicks = {
  outcome: null,
  mark: (text) => performance.mark(`PREFIX|page|${text}`),
  once: (name) => new Promise((resolve, reject) => {
    player.addEventListener(name, resolve, { once: true });
    player.addEventListener('error', () => reject(new Error(player.error?.message)), { once: true });
  }),
  wish() {
    performance.clearMarks();
    clicks.mark('WISH');
  },
  async prepare(src) {
    window.player = document.createElement('sps-player');
    const ready = clicks.once('canplay');
    player.src = src;
    document.body.append(player);
    await ready;
    await new Promise((resolve) => setTimeout(resolve, PREPARED_MS));
  },
  async first_audio(src) {
    clicks.wish();
    window.player = document.createElement('sps-player');
    await clicks.sound(() => {
      player.src = src;
      document.body.append(player);
      return player.play();
    });
  },
  async prepared_play() {
    clicks.wish();
    await clicks.sound(() => player.play());
  },
  async steady() {
    const from = player.currentTime + 0.3;
    while (player.currentTime < from) await clicks.once('timeupdate');
  },
  async seek(seconds) {
    clicks.wish();
    await clicks.sound(() => { player.currentTime = seconds; });
  },
  async sound(act) {
    const playing = clicks.once('playing').then(() => clicks.mark('SOUND'));
    await Promise.all([act(), playing]);
  },
  async end() {
    const paused = clicks.once('pause');
    player.pause();
    await paused;
    player.remove();
  },
  start(name, value) {
    const end = (outcome) => {
      clicks.outcome = outcome;
      document.dispatchEvent(new Event('END'));
    };
    clicks[name](value).then(() => end('done'), (error) => end(String(error)));
  },
};""".replace("PREFIX", PREFIX)
    .replace("WISH", WISH)
    .replace("SOUND", SOUND)
    .replace("PREPARED_MS", str(PREPARED_MS))
    .replace("END", END)
)
