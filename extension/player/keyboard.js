/**
 * Executes the player's keyboard shortcuts.
 */

import { t } from "../ui/text.js";
import { actionOf } from "./keys.js";
import { SOUNDING, extrapolate, viewOf } from "./model.js";

/** @typedef {import("./keys.js").Action} Action */

/** Handles key events of the player's document. */
export class Keyboard {
  /**
   * @param {import("./model.js").Model} model
   * @param {import("./view.js").Actions} actions
   */
  constructor(model, actions) {
    this.model = model;
    this.actions = actions;
  }

  /** @param {KeyboardEvent} event */
  onKeyDown(event) {
    if (!event.isTrusted || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const { state } = this.model;
    const action = actionOf(event, {
      isPlayback: viewOf(this.model) === "playback",
      duration: state.duration_ms,
      rate: state.rate,
      onButton: target.closest("button, a") !== null,
      onField: target.matches("input, select"),
      onSlider: target.matches(".seek"),
    });
    if (!action) return;
    event.preventDefault();
    // The repeats of a held key only seek and change the volume.
    if (!event.repeat || action.kind === "by" || action.kind === "volume") this.execute(action);
  }

  /** @param {Action} action */
  execute(action) {
    const { model, actions } = this;
    const { state } = model;
    switch (action.kind) {
      case "terms":
        return actions.toggleTerms();
      case "toggle":
        return this.#toggle();
      case "to":
        return actions.seekTo(action.ms);
      case "by":
        return actions.seekTo(extrapolate(model, performance.now()).position + action.ms);
      case "volume":
        return actions.changeVolume(action.by);
      case "mute":
        actions.send({ type: "mute", value: !state.muted });
        return actions.say(t(state.muted ? "unmute" : "mute"));
      case "rate":
        return actions.setRate(action.value);
      case "track":
        return actions.changeTrack(action.by);
    }
  }

  #toggle() {
    const { model, actions } = this;
    const view = viewOf(model);
    if (view === "playback") actions.send({ type: SOUNDING.has(model.state.state) ? "pause" : "play" });
    else if (view === "ready" && model.state.state === "ready") actions.send({ type: "play" });
  }
}
