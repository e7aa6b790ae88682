/**
 * Reads lists of songs: JSPF (JSON) and XSPF (XML), https://www.xspf.org. In the world of content.js.
 */

(() => {
  const MAX_TRACKS = 500;
  const MAX_BYTES = 2 << 20;
  const FETCH_TIMEOUT_MS = 10_000;
  const XSPF = "http://xspf.org/ns/0/";

  /**
   * The absolute URLs of a list's tracks in order; only http and https.
   * @param {string} text
   * @param {string} base URL of the list
   * @returns {string[]}
   */
  function tracks(text, base) {
    const addresses = text.trimStart().startsWith("{") ? fromJson(text) : fromXml(text);
    return addresses
      .slice(0, MAX_TRACKS)
      .map((address) => absolute(address, base))
      .filter((url) => url !== "");
  }

  /** @param {string} text */
  function fromJson(text) {
    let list;
    try {
      list = JSON.parse(text)?.playlist?.track;
    } catch {
      return [];
    }
    // JSPF: a track's location is a list of addresses of the same song, of which the first is used.
    return Array.isArray(list) ? list.map((track) => String([track?.location].flat()[0] ?? "")) : [];
  }

  /** @param {string} text */
  function fromXml(text) {
    const document = new DOMParser().parseFromString(text, "application/xml");
    return [...document.getElementsByTagNameNS(XSPF, "track")].map(
      (track) => track.getElementsByTagNameNS(XSPF, "location")[0]?.textContent ?? "",
    );
  }

  /** @param {string} address @param {string} base @returns {string} "" where it is invalid */
  function absolute(address, base) {
    if (!address.trim()) return "";
    try {
      const url = new URL(address.trim(), base);
      return url.protocol === "http:" || url.protocol === "https:" ? url.href : "";
    } catch {
      return "";
    }
  }

  /**
   * Fetches a list with the page's rights; empty where it cannot be read.
   * @param {string} url
   * @returns {Promise<string[]>}
   */
  async function fetchTracks(url) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
      return response.ok ? tracks(await textOf(response), response.url || url) : [];
    } catch {
      return [];
    }
  }

  /** @param {Response} response @returns {Promise<string>} empty where it is too long */
  async function textOf(response) {
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (let size = 0; reader;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > MAX_BYTES) {
        reader.cancel().catch(() => undefined);
        return "";
      }
      text += decoder.decode(value, { stream: true });
    }
    return text + decoder.decode();
  }

  globalThis.gomaaPlaylist = { tracks, fetchTracks };
})();
