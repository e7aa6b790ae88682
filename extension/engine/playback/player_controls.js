/**
 * Controls of a player: requests to play, and settings of the sound.
 */

import { Problem } from "../../shared/problem.js";
import * as wallet from "../wallet.js";
import { AudioSettings } from "./audio_settings.js";

/** @import { PlayerCommand } from "../../shared/player_messages.d.ts" */
/**
 * A command of the player, of the system's media keys or of a page.
 * @typedef {PlayerCommand | {type: "pitch", value: boolean}} Command
 */

/** @typedef {import("./stream.js").Stream} Stream */
/** @typedef {Pick<Stream, "session" | "sound" | "info">} Parts */
/**
 * `open`: a person has opened the extension's window; `publish`: publishes the state.
 * @typedef {Pick<Stream, "play" | "retry" | "changeTrack" | "applySettings" | "permits" | "notify"> &
 *   {open: () => void, publish: () => void}} Actions
 */

export class PlayerControls {
  /**
   * @param {object} options
   * @param {() => Parts} options.parts of the stream, which a retry replaces
   * @param {AudioSettings} options.settings
   * @param {Actions} options.actions of the stream
   */
  constructor({ parts, settings, actions }) {
    this.parts = parts;
    this.settings = settings;
    this.actions = actions;
  }

  /**
   * Handles a message of the player, or of the system's media keys.
   * @param {Command} message
   * @returns {Promise<unknown>}
   */
  async onMessage(message) {
    const { actions, settings } = this;
    const { session } = this.parts();
    switch (message.type) {
      case "play":
        return actions.play("press");
      case "pause":
        return session.request("pause");
      case "seek":
        return session.request("seek", Math.max(0, Math.round(message.position_ms)));
      case "prepare_seek":
        return session.prepareSeek(Math.max(0, message.position_ms));
      case "retry":
        return actions.retry();
      case "open":
        actions.open();
        return wallet.decisionsChanged();
      case "volume":
        settings.setVolume(message.value);
        break;
      case "mute":
        settings.muted = message.value;
        break;
      case "pitch":
        settings.pitch = message.value;
        break;
      case "rate":
        return this.setRate(message.value);
      case "track":
        return actions.changeTrack(Math.sign(message.by), false);
      default:
        return;
    }
    actions.applySettings();
    return actions.publish();
  }

  /** Sets the speed, which is an action of the terms. @private @param {number} value */
  async setRate(value) {
    const { actions, settings } = this;
    const { session, sound, info } = this.parts();
    const rate = AudioSettings.nearestRate(value);
    if (rate === settings.rate) return actions.publish();
    if (rate !== 1 && info && !actions.permits("rate")) {
      actions.notify(new Problem("policy.action.denied", { action: "rate" }));
      return actions.publish();
    }
    // The host gets the position at the old speed before the new one begins.
    if (session.isActive && session.granted) await session.invocations.invoke("rate", sound.positionMs, null);
    settings.rate = rate;
    actions.applySettings();
    actions.publish();
  }
}
