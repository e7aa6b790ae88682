/**
 * A page that carries its song (docs/format/html.md): on the web the rest of the page is not loaded, on disk the song's
 * bytes are read from the page. The engine verifies them against the signed header before they are played.
 */

(() => {
  const MARK = 'meta[name="sps"]';
  const ELEMENT = "sps-player[data-sps]";
  const FIELDS = /^v=1;off=(\d{1,10});len=(\d{1,12});sha256=([0-9a-f]{64})$/;
  const FIXES = /^\d{1,12}(?:,\d{1,12})*$/;
  const START = "\u2030SPS\n\u001a\n";
  const GREATER = 0x3e;
  const PIECE = 0x8000;
  // Characters of bytes 0x80 to 0x9f in windows-1252; five bytes have the control character of the same number.
  const HIGH =
    "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f" +
    "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

  if (window.top !== window || document.contentType !== "text/html") return;

  const observer = new MutationObserver(render);
  observer.observe(document, { subtree: true, childList: true });
  addEventListener("DOMContentLoaded", () => {
    render();
    observer.disconnect();
  });
  render();

  function render() {
    const fields = first(MARK, FIELDS);
    const element = document.querySelector(ELEMENT);
    if (!fields || !element) return;
    observer.disconnect();
    const [, offset, size, sha256] = /** @type {[string, string, string, string]} */ (/** @type {unknown} */ (fields));
    const address = location.href.replace(/#.*$/, "");
    if (location.protocol === "file:") {
      const song = documentParsed().then(() => load(address, Number(offset), Number(size), sha256));
      song.catch(() => undefined);
      globalThis.gomaaSong = {
        station: document.querySelector('meta[name="sps-station"]')?.getAttribute("content") ?? null,
        read: reader(song),
      };
      element.setAttribute("src", address);
      return;
    }
    // The visible part is loaded and the song is fetched in ranges. The page's images are decoded first.
    Promise.allSettled([...document.images].map((image) => image.decode())).then(() => {
      window.stop();
      element.setAttribute("src", address);
    });
  }

  /** The first element whose content has this form. @param {string} selector @param {RegExp} form */
  function first(selector, form) {
    for (const element of document.querySelectorAll(selector)) {
      const match = form.exec(element.getAttribute("content") ?? "");
      if (match) return match;
    }
    return null;
  }

  /**
   * @param {Promise<Uint8Array<ArrayBuffer>>} song
   * @returns {(offset: number, size: number) => Promise<string>} base64
   */
  function reader(song) {
    return async (offset, size) => {
      const bytes = (await song).subarray(offset, offset + size);
      let text = "";
      for (let i = 0; i < bytes.length; i += PIECE) text += String.fromCharCode(...bytes.subarray(i, i + PIECE));
      return btoa(text);
    };
  }

  async function documentParsed() {
    if (document.readyState !== "loading") return;
    await new Promise((resolve) => addEventListener("DOMContentLoaded", resolve, { once: true }));
  }

  /**
   * @param {string} address
   * @param {number} offset
   * @param {number} size
   * @param {string} sha256
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async function load(address, offset, size, sha256) {
    // Firefox permits a page on disk to read its own file. In Chromium the bytes are made from the document's text.
    const file = await fetch(address).then(
      (response) => response.arrayBuffer(),
      () => null,
    );
    const bytes = file ? copy(file, offset, size) : fromDocument(size);
    const fixes = first('meta[name="sps-fix"]', FIXES)?.[0].split(",").map(Number) ?? [];
    for (const at of fixes) bytes[at] = GREATER;
    const hex = Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), (byte) =>
      byte.toString(16).padStart(2, "0"),
    ).join("");
    if (bytes.length < size) throw Object.assign(new Error("short"), { code: "sps.truncated" });
    if (hex !== sha256) throw Object.assign(new Error("altered"), { code: "sps.segment.hash" });
    return bytes;
  }

  /**
   * Copies bytes into this script's realm: Firefox's fetch returns a restricted buffer of the page's.
   * @param {ArrayBuffer} file
   * @param {number} offset
   * @param {number} size
   */
  function copy(file, offset, size) {
    const out = new Uint8Array(Math.max(0, Math.min(size, file.byteLength - offset)));
    out.set(new Uint8Array(file, offset, out.length));
    return out;
  }

  /**
   * Converts the comment's text to bytes, as pywallet.sps.polyglot.from_text.
   * @param {number} size
   * @returns {Uint8Array<ArrayBuffer>}
   */
  function fromDocument(size) {
    const walker = document.createTreeWalker(document, NodeFilter.SHOW_COMMENT);
    while (walker.nextNode()) if (/** @type {Comment} */ (walker.currentNode).data.startsWith(START)) break;
    const text =
      /** @type {Comment | null} */ (walker.currentNode instanceof Comment ? walker.currentNode : null)?.data ?? "";
    const lines = document.getElementById("sps-lines");
    const bits = atob(lines?.dataset["bits"] ?? "");
    const pairs = new Set((lines?.dataset["pairs"] ?? "").split(" ").filter(Boolean).map(Number));
    const codes = new Uint8Array(0x10000);
    for (let code = 0; code < 256; code++) codes[code] = code;
    for (let i = 0; i < HIGH.length; i++) codes[HIGH.charCodeAt(i)] = 0x80 + i;
    codes[0xfffd] = 0;
    const out = new Uint8Array(size);
    let at = 0;
    let line = 0;
    // A slice is a flat string of the script, while each character of the node's text is read by a call.
    for (let from = 0; from < text.length && at < size; from += PIECE) {
      const piece = text.slice(from, from + PIECE);
      for (let i = 0; i < piece.length && at < size; i++) {
        const code = piece.charCodeAt(i);
        if (code !== 10) {
          out[at++] = /** @type {number} */ (codes[code]);
          continue;
        }
        const pair = pairs.has(line);
        const wasReturn = (bits.charCodeAt(line >> 3) & (0x80 >> (line & 7))) !== 0;
        if (pair || wasReturn) out[at++] = 13;
        if (pair || !wasReturn) out[at++] = 10;
        line++;
      }
    }
    return out.subarray(0, at);
  }
})();
