/**
 * Background and engine in one page (Firefox): a channel takes the place of the port between them.
 */

const { port1, port2 } = new MessageChannel();

export const pair = { background: port1, engine: port2 };
