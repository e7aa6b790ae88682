/**
 * What differs between the browsers, in one place.
 */

/** The extension API under its common name: both browsers answer with promises. */
export const api = /** @type {typeof chrome} */ (/** @type {any} */ (globalThis).browser ?? chrome);

/** Firefox has no offscreen documents: its engine lives in the background page. */
export const inOnePage = location.protocol === "moz-extension:";

/**
 * The origin of a content script's page. A document in a sandbox has an address but speaks for nobody: "null".
 * @param {{origin?: string | undefined, url?: string | undefined}} sender
 */
export function originOf(sender) {
  return sender.origin ?? new URL(sender.url ?? "").origin;
}
