/**
 * Controls of a player: requests to play, and settings of the sound.
 */

import { Problem } from "../../shared/problem.js";
import * as wallet from "../wallet.js";
import { AudioSettings } from "./audio_settings.js";
import { publishState } from "./state_publisher.js";

/** @import { PlayerCommand } from "../../shared/player_messages.d.ts" */
/**
 * A command of the player, of the system's media keys or of a page.
 * @typedef {PlayerCommand | {type: "pitch", value: boolean}} Command
 */

export class PlayerControls {
  /** @param {import("./stream.js").Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /**
   * Handles a message of the player, or of the system's media keys.
   * @param {Command} message
   * @returns {Promise<unknown>}
   */
  async onMessage(message) {
    const { stream } = this;
    const { session, settings } = stream;
    switch (message.type) {
      case "play":
        return stream.play("press");
      case "pause":
        return session.request("pause");
      case "seek":
        return session.request("seek", Math.max(0, Math.round(message.position_ms)));
      case "retry":
        return stream.retry();
      case "open":
        stream.opened = true;
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
        return stream.changeTrack(Math.sign(message.by), false);
      default:
        return;
    }
    stream.applySettings();
    return publishState(stream);
  }

  /** Sets the speed, which is an action of the terms. @private @param {number} value */
  async setRate(value) {
    const { stream } = this;
    const rate = AudioSettings.nearestRate(value);
    if (rate === stream.settings.rate) return publishState(stream);
    if (rate !== 1 && stream.info && !stream.permits("rate")) {
      stream.notify(new Problem("policy.action.denied", { action: "rate" }));
      return publishState(stream);
    }
    // The host gets the position at the old speed before the new one begins.
    if (stream.isActive && stream.session.granted)
      await stream.session.invocations.invoke("rate", stream.sound.positionMs, null);
    stream.settings.rate = rate;
    stream.applySettings();
    publishState(stream);
  }
}
