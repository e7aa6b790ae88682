/**
 * Lists of songs: JSPF (JSON) and XSPF (XML), https://www.xspf.org. Beside content.js, in its world.
 */

(() => {
  const MOST = 500;
  const XSPF = "http://xspf.org/ns/0/";

  /**
   * The addresses of a list's tracks, absolute, in order; what is no web address is left out.
   * @param {string} text
   * @param {string} base the list's own address
   * @returns {string[]}
   */
  function tracks(text, base) {
    const places = text.trimStart().startsWith("{") ? fromJson(text) : fromXml(text);
    return places.slice(0, MOST).map((place) => address(place, base)).filter((url) => url !== "");
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
    return [...document.getElementsByTagNameNS(XSPF, "track")].map((track) => track.getElementsByTagNameNS(XSPF, "location")[0]?.textContent ?? "");
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

  /** @type {any} */ (globalThis).gomaaPlaylist = { tracks };
})();
