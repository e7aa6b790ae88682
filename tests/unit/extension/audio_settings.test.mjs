// Volume, speed and pitch of a stream.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AudioSettings } from "../../../extension/engine/playback/audio_settings.js";

test("volume and speed are limited to their ranges", () => {
  const settings = new AudioSettings();
  for (const [value, volume] of [
    [-1, 0],
    [0.4, 0.4],
    [3, 1],
  ]) {
    settings.setVolume(value);
    assert.equal(settings.volume, volume);
  }
  for (const [value, rate] of [
    [0, 1],
    [NaN, 1],
    [0.1, 0.5],
    [1.5, 1.5],
    [9, 2],
  ])
    assert.equal(AudioSettings.nearestRate(value), rate);
});

test("the audio element and the next track get the settings", () => {
  const settings = new AudioSettings();
  Object.assign(settings, { volume: 0.5, muted: true, rate: 2, pitch: false });
  const audio = /** @type {any} */ ({});
  const next = new AudioSettings();
  next.copy(settings);
  next.applyTo(audio);
  assert.deepEqual(audio, {
    volume: 0.5,
    muted: true,
    defaultPlaybackRate: 2,
    playbackRate: 2,
    preservesPitch: false,
  });
});
