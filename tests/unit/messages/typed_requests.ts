/** Requests that the types of `extension/shared/protocol.d.ts` accept and refuse. */

import type { HostEvents, HostOperations, SignedFields } from "../../../extension/shared/protocol.d.ts";

type Request<K extends keyof HostOperations> = HostOperations[K]["request"];
type Result<K extends keyof HostOperations> = HostOperations[K]["result"];

declare const address: string;
declare const invoked: Result<"invoke">;
declare const prepared: Result<"prepare">;
declare const networks: HostEvents["networks"];
declare const opened: Result<"open">;
declare const simulated: Result<"simulate">;
declare const ticket: { type: "Ticket"; message: SignedFields["Ticket"]; signature: string };

export const requests: Request<"prepare">[] = [
  { stream: "s", ticket },
  { stream: "s", ticket, tracking: null },
  { stream: "s" },
  { stream: "s", session: null },
  // @ts-expect-error a field that is required
  { ticket },
  // @ts-expect-error a name that no field has
  { stream: "s", ticket, track: true },
  // @ts-expect-error another signed message
  { stream: "s", ticket: { ...ticket, type: "Session" } },
];
// @ts-expect-error a word that is none of the field's
export const site: Request<"site"> = { origin: "https://a.example", state: "forbidden" };
// @ts-expect-error an operation that does not exist
export type Unknown = Request<"nothing">;
export const doctor: Request<"doctor"> = {};
export const transfer: Request<"transaction"> = { chain_id: 1, transaction: "0x00", account: address, nonce: null };

export const begin: number = opened.segments[0]?.[2] ?? 0;
// @ts-expect-error a result that may be null
export const first: number = prepared.ticket.result.lease;
// @ts-expect-error a grant that may be null
export const keys: unknown[] = invoked.grant.keys;
// @ts-expect-error a field that may be absent
export const standard: string = simulated.standard;
// @ts-expect-error a field that no result has
export const amount: unknown = invoked.amount;
// @ts-expect-error the last element of a segment is a text
export const digest: number = opened.segments[0]?.[4] ?? 0;
// @ts-expect-error the name of another event
export const name: "server" = networks.event;
