/**
 * The window in which a person approves or rejects requests of sites: a window of the extension, never a frame of a
 * page.
 */

import { api, originOf } from "../shared/compat.js";

const PAGE = "approve/approve.html";
const SIZE = { width: 400, height: 680 };

/** @typedef {import("../shared/provider_messages.d.ts").Site} Site */

/**
 * The site of a sender as the browser reports it.
 * @param {chrome.runtime.MessageSender} sender
 * @returns {Site | null} null for insecure pages, sandboxed documents and frames in such pages
 */
export function siteOf(sender) {
  const origin = originOf(sender);
  if (!isSecure(origin)) return null;
  if (sender.frameId === 0) return { origin, top: null };
  const top = URL.parse(sender.tab?.url ?? "")?.origin ?? "";
  if (!isSecure(top)) return null;
  return { origin, top: top === origin ? null : top };
}

/** True if an origin is https or loopback. @param {string} origin */
function isSecure(origin) {
  const url = URL.parse(origin);
  if (!url || url.origin !== origin) return false;
  if (url.protocol === "https:") return true;
  return (
    url.protocol === "http:" && /^(localhost|[a-z0-9.-]+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  );
}

/** One window of the extension, opened and closed in turn. */
export class ApprovalWindow {
  /** @type {number | null} */
  id = null;
  /** Id of the window that `hide` closes: closing it is no decision of a person. @type {number | null} */
  hiddenId = null;
  /** The last change; changes run one after the other. @type {Promise<void>} */
  last = Promise.resolve();

  /** @param {() => void} onClosed called when a person closes the window @param {string} [page] its document */
  constructor(onClosed, page = PAGE) {
    this.page = page;
    api.windows?.onRemoved.addListener((id) => {
      if (id !== this.id) return;
      this.id = null;
      if (id !== this.hiddenId) onClosed();
    });
  }

  /** Opens the window, or brings it to the front. */
  show() {
    return this.enqueue(async () => {
      if (this.id !== null && (await api.windows.update(this.id, { focused: true }).catch(() => null))) return;
      const url = api.runtime.getURL(this.page);
      this.id = (await api.windows.create({ url, type: "popup", focused: true, ...SIZE }))?.id ?? null;
    });
  }

  /** Closes the window. */
  hide() {
    this.hiddenId = this.id;
    return this.enqueue(async () => {
      const { id } = this;
      this.id = null;
      if (id !== null) await api.windows.remove(id).catch(() => undefined);
    });
  }

  /** @private @param {() => Promise<void>} change */
  enqueue(change) {
    const done = this.last.then(change);
    this.last = done.catch(() => undefined);
    return done;
  }
}
