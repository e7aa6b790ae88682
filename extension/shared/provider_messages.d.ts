/**
 * Messages of the port `provider`: the relay of a page's provider and the engine (docs/protocol.md section 6).
 */

import type { ProblemMessage } from "./page_messages.d.ts";

/** A site with a provider; `top` is the origin of the page around a frame, where it is another. */
export interface Site {
  origin: string;
  top: string | null;
}

/** A request of the page (EIP-1193); `params` is JSON. */
export interface ProviderRequest {
  type: "request";
  id: number;
  method: string;
  params: string;
}

/** From the engine to the relay; `body` is JSON. */
export type EngineProviderMessage =
  { type: "reply"; id: number; ok: boolean; body: string } | { type: "event"; name: string; body: string };

/** To the relay. */
export type ProviderMessage = EngineProviderMessage | ProblemMessage;
