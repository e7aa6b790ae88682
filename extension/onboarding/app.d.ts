/**
 * State and actions that the pages of the onboarding share.
 */

import type { ScreenOperations, SendRequest } from "../shared/wallet_messages.d.ts";
import type { CollectChoice } from "../shared/wallet_state.d.ts";

export type Page = "choose" | "words" | "check" | "restore" | "password" | "computer" | "network" | "song" | "reward";

export interface Draft {
  mnemonic: string;
  /** True for words that were typed to restore a wallet. */
  restoring: boolean;
  /** True if a wallet exists. */
  exists: boolean;
  collect: CollectChoice;
  /** Positions of the words that the check requests, from 0. */
  positions: number[];
  /** Address of the page from which the fan came. */
  from: string;
  /** Origin of the station whose network is offered. */
  site: string;
  hash: string;
}

export interface App {
  draft: Draft;
  request: SendRequest<ScreenOperations>;
  go: (page: Page) => void;
  /** Announces a text to screen readers. */
  say: (text: string) => void;
  /** Repeats an action while its page is open and visible. */
  every: (ms: number, action: () => void | Promise<void>) => void;
}
