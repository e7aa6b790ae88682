/**
 * The channel between background and engine where both are in one page (Firefox).
 */

const { port1, port2 } = new MessageChannel();

/** The two ends of the channel. */
export const pair = { background: port1, engine: port2 };
