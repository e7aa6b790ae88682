/**
 * Differences between the browsers.
 */

/** The extension API under its common name: both browsers answer with promises. */
export const api = globalThis.browser ?? chrome;

/** Firefox has no offscreen documents: its engine runs in the background page. */
export const inOnePage = location.protocol === "moz-extension:";

/**
 * The origin of a content script's page; "null" for a sandboxed document.
 * @param {{origin?: string | undefined, url?: string | undefined}} sender
 */
export function originOf(sender) {
  return sender.origin ?? new URL(sender.url ?? "").origin;
}
