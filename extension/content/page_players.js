/**
 * Finds the players of a page and their sources: <sps-player> and <audio data-sps>, also in open shadow roots. In both
 * worlds.
 * The station's check reads pages by the same rules (station/site_check/page_songs.py), with the same test vectors
 * (tests/vectors/found.json).
 */

(() => {
  const HTML = "http://www.w3.org/1999/xhtml";

  /** True if an element is a player. @param {Element} element */
  const isPlayer = (element) =>
    element.namespaceURI === HTML &&
    (element.localName === "sps-player" ||
      (element.localName === "audio" && element.getAttribute("data-sps") !== null));

  /**
   * The players at and below a node, in the order of the page.
   * @param {ParentNode} root
   * @returns {Generator<HTMLElement>}
   */
  function* players(root) {
    const own = root.nodeType === 1 ? [/** @type {Element} */ (/** @type {unknown} */ (root))] : [];
    for (const element of [...own, ...root.querySelectorAll("*")]) {
      if (isPlayer(element)) yield /** @type {HTMLElement} */ (element);
      if (element.shadowRoot) yield* players(element.shadowRoot);
    }
  }

  /**
   * The open shadow roots at and below a node.
   * @param {ParentNode} root
   * @returns {Generator<ShadowRoot>}
   */
  function* roots(root) {
    const own = root.nodeType === 1 ? [/** @type {Element} */ (/** @type {unknown} */ (root))] : [];
    for (const { shadowRoot } of [...own, ...root.querySelectorAll("*")]) {
      if (!shadowRoot) continue;
      yield shadowRoot;
      yield* roots(shadowRoot);
    }
  }

  /**
   * The playlist or the songs of a player, as written in the page.
   * @param {Element} player
   * @returns {{playlist: string | null, songs: string[]}}
   */
  function sourcesOf(player) {
    const playlist = player.getAttribute("playlist");
    if (playlist) return { playlist, songs: [] };
    const song = player.getAttribute(player.localName === "audio" ? "data-sps" : "src");
    if (song) return { playlist: null, songs: [song] };
    if (player.localName === "audio") return { playlist: null, songs: [] };
    const sources = [...player.querySelectorAll("source[src]")].map((source) => source.getAttribute("src") ?? "");
    return { playlist: null, songs: sources.filter((src) => src !== "") };
  }

  globalThis.gomaaPagePlayers = { players, roots, sourcesOf };
})();
//# sourceURL=gomaa-players.js
