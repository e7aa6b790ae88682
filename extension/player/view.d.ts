/**
 * Views of the player and their actions.
 */

import type { PlayerCommand } from "../shared/player_messages.d.ts";
import type { Model } from "./model.js";

export interface Actions {
  send: (command: PlayerCommand) => void;
  toggleTerms: () => void;
  termsOpen: () => boolean;
  /** Opens the window for decisions. */
  open: () => void;
  openOnboarding: () => void;
  /** Opens the page that offers a station's network. */
  openNetwork: (origin: string) => void;
  /** Seeks; at once for a pointer that was released, where the terms count no seeks. */
  seekTo: (ms: number, isReleased?: boolean) => void;
  /** Prepares a seek, which may not follow. */
  prepareSeek: (ms: number) => void;
  setRate: (value: number) => void;
  changeVolume: (by: number) => void;
  changeTrack: (by: number) => void;
  /** Announces a text to screen readers. */
  say: (text: string) => void;
}

export interface View {
  nodes: Node[];
  /** Draws a model. */
  update: (model: Model) => void;
  /** Updates what changes with time. */
  tick?: (nowMs: number) => void;
  /** Time until `tick` is needed, at a rate; null: not until the next model. */
  next?: (nowMs: number) => { untilMs: number; rate: number } | null;
}
