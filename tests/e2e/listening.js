// What the tests of the element do inside a page. Evaluated there, before anything else.

// timeupdate and progress are left out: how many of those come depends on the machine.
const NAMES = [
  "abort",
  "canplay",
  "canplaythrough",
  "durationchange",
  "emptied",
  "ended",
  "error",
  "loadeddata",
  "loadedmetadata",
  "loadstart",
  "pause",
  "play",
  "playing",
  "ratechange",
  "seeked",
  "seeking",
  "stalled",
  "suspend",
  "volumechange",
  "waiting",
  "trackchange",
];

window.heard = [];
window.outcome = {};

/** Put an element in the player's place and write down what it says. */
window.swap = (tag, set) => {
  const element = document.createElement(tag);
  for (const name of NAMES) element.addEventListener(name, () => window.heard.push(name));
  set(element);
  document.querySelector("sps-player").replaceWith(element);
  window.e = element;
  return element;
};

window.note = (name, promise) => {
  promise.then(
    () => (window.outcome[name] = "resolved"),
    (error) => (window.outcome[name] = error.name),
  );
};

/** The name of what a call throws. */
window.thrown = (call) => {
  try {
    call();
    return "";
  } catch (error) {
    return error.name;
  }
};

/** What stands in an element that has no song. */
window.fresh = (e) => [
  [e.networkState, e.readyState, e.currentTime, e.buffered.length, e.played.length, e.seekable.length],
  [e.paused, e.ended, e.seeking, Number.isNaN(e.duration), e.src, e.currentSrc, e.error],
  [e.volume, e.muted, e.defaultMuted, e.playbackRate, e.defaultPlaybackRate, e.preservesPitch],
  [e.preload, e.controls, e.loop, e.autoplay],
];

/** Whether the constants are the audio element's. */
window.constants = (e) => {
  const audio = document.createElement("audio");
  const names = [
    "HAVE_NOTHING",
    "HAVE_METADATA",
    "HAVE_CURRENT_DATA",
    "HAVE_FUTURE_DATA",
    "HAVE_ENOUGH_DATA",
    "NETWORK_EMPTY",
    "NETWORK_IDLE",
    "NETWORK_LOADING",
    "NETWORK_NO_SOURCE",
  ];
  return names.every((name) => audio[name] === e[name] && e.constructor[name] === audio[name]);
};
