/**
 * The window in which a person answers what sites ask: the extension's own, never a frame of a page. One at a time.
 */

import { api, originOf } from "../shared/compat.js";

const PAGE = "approve/approve.html";
const SIZE = { width: 400, height: 680 };

/**
 * @typedef {{origin: string, top: string | null}} Site `top`: the page around a frame, where it is of another origin
 */

/**
 * Who asks, from what the browser says of the sender; null for whoever may not ask: pages that somebody on the way may
 * have altered, documents in
 * a sandbox, and frames in such pages.
 * @param {chrome.runtime.MessageSender} sender
 * @returns {Site | null}
 */
export function siteOf(sender) {
  const origin = originOf(sender);
  if (!trusted(origin)) return null;
  if (sender.frameId === 0) return { origin, top: null };
  const top = URL.parse(sender.tab?.url ?? "")?.origin ?? "";
  if (!trusted(top)) return null;
  return { origin, top: top === origin ? null : top };
}

/** https, or this very computer. @param {string} origin */
function trusted(origin) {
  const url = URL.parse(origin);
  if (!url || url.origin !== origin) return false;
  if (url.protocol === "https:") return true;
  return (
    url.protocol === "http:" && /^(localhost|[a-z0-9.-]+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  );
}

export class ApprovalWindow {
  /** @type {number | null} */
  id = null;
  /** @type {number | null} the window that was told to go, and may close by itself first */
  ended = null;
  /** One change after the other. @type {Promise<void>} */
  last = Promise.resolve();

  /** @param {() => void} closed by a person @param {string} [page] of the extension that it shows */
  constructor(closed, page = PAGE) {
    this.page = page;
    api.windows?.onRemoved.addListener((id) => {
      if (id !== this.id) return;
      this.id = null;
      if (id !== this.ended) closed();
    });
  }

  /** Open it, or bring the open one to the front. */
  show() {
    return this.after(async () => {
      if (this.id !== null && (await api.windows.update(this.id, { focused: true }).catch(() => null))) return;
      this.id =
        (await api.windows.create({ url: api.runtime.getURL(this.page), type: "popup", focused: true, ...SIZE }))?.id ??
        null;
    });
  }

  hide() {
    this.ended = this.id;
    return this.after(async () => {
      const { id } = this;
      this.id = null;
      if (id !== null) await api.windows.remove(id).catch(() => undefined);
    });
  }

  /** @private @param {() => Promise<void>} work */
  after(work) {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }
}
