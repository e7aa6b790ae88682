/**
 * Reads lists of songs: JSPF (JSON) and XSPF (XML), https://www.xspf.org. In the world of content.js.
 */

(() => {
  const MAX_TRACKS = 500;
  const MAX_BYTES = 2 << 20;
  const FETCH_TIMEOUT_MS = 10_000;
  const XSPF = "http://xspf.org/ns/0/";

  /**
   * The absolute URLs of a list's tracks in order; others than http and https are left out.
   * @param {string} text
   * @param {string} base URL of the list
   * @returns {string[]}
   */
  function tracks(text, base) {
    const places = text.trimStart().startsWith("{") ? fromJson(text) : fromXml(text);
    return places
      .slice(0, MAX_TRACKS)
      .map((place) => address(place, base))
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
    // JSPF: a track's location is a list of places of the same song; the first is taken.
    return Array.isArray(list) ? list.map((track) => String([track?.location].flat()[0] ?? "")) : [];
  }

  /** @param {string} text */
  function fromXml(text) {
    const document = new DOMParser().parseFromString(text, "application/xml");
    return [...document.getElementsByTagNameNS(XSPF, "track")].map(
      (track) => track.getElementsByTagNameNS(XSPF, "location")[0]?.textContent ?? "",
    );
  }

  /** @param {string} place @param {string} base */
  function address(place, base) {
    if (!place.trim()) return "";
    try {
      const url = new URL(place.trim(), base);
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
  async function fetched(url) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
      return answer.ok ? tracks(await textOf(answer), answer.url || url) : [];
    } catch {
      return [];
    }
  }

  /** @param {Response} answer @returns {Promise<string>} empty where it is too long */
  async function textOf(answer) {
    const reader = answer.body?.getReader();
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

  /** @type {any} */ (globalThis).gomaaPlaylist = { tracks, fetched };
})();
