/**
 * In the page's own world: content attributes of <sps-player> as properties, as HTMLMediaElement reflects its own.
 */

(() => {
  /** @typedef {ThisType<HTMLElement>} OfElement */

  const MAX_CROSSFADE_S = 12;

  /** A boolean attribute. @param {string} name @returns {PropertyDescriptor & OfElement} */
  const flag = (name) => ({
    get() {
      return this.hasAttribute(name);
    },
    set(on) {
      this.toggleAttribute(name, Boolean(on));
    },
  });

  /** The absolute address of `src`; "" without one. @param {Element} element */
  function absoluteSource(element) {
    const value = element.getAttribute("src");
    return value === null ? "" : (URL.parse(value, document.baseURI)?.href ?? value);
  }

  /** @type {PropertyDescriptorMap & OfElement} */
  const REFLECTED = {
    defaultMuted: flag("muted"),
    loop: flag("loop"),
    autoplay: flag("autoplay"),
    controls: flag("controls"),
    preload: {
      get() {
        const value = (this.getAttribute("preload") ?? "").toLowerCase();
        return value === "none" || value === "metadata" ? value : "auto";
      },
      set(value) {
        this.setAttribute("preload", value);
      },
    },
    src: {
      get() {
        return absoluteSource(this);
      },
      set(value) {
        this.setAttribute("src", value);
      },
    },
    /** Seconds by which two tracks overlap. */
    crossfade: {
      get() {
        const value = Number(this.getAttribute("crossfade"));
        return value > 0 && value <= MAX_CROSSFADE_S ? value : 0;
      },
      set(value) {
        this.setAttribute("crossfade", String(value));
      },
    },
  };
  for (const descriptor of Object.values(REFLECTED)) descriptor.configurable = true;

  globalThis.gomaaAttributes = { REFLECTED, absoluteSource };
})();
//# sourceURL=gomaa-attributes.js
