"use strict";
(() => {
  const root = document.documentElement;
  root.lang = /^zh/i.test(navigator.language) ? "zh" : "en";
  root.dataset.place = location.protocol === "file:" ? "disk" : "web";
  root.dataset.browser = /Firefox\//.test(navigator.userAgent) ? "firefox" : "chromium";
  // Without the extension nobody needs the rest of the file: a page from the web does not load it. With it, the
  // extension stops the load.
  if (root.dataset.place === "web" && !customElements.get("sps-player")) {
    Promise.allSettled([...document.images].map((image) => image.decode())).then(() => stop());
  }
})();
