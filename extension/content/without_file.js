/**
 * In the page's own world: errors that name no file. The extension's address identifies an installation of Firefox, and
 * a page can read it from an error and from its event. A stack has the name at the end of each script instead.
 */

(() => {
  const { apply } = Reflect;

  /** @type {import("./globals.js").WithoutFile} */
  const withoutFile = (work, isQuiet = false) => {
    /** @this {unknown} @param {never[]} args */
    function wrapped(...args) {
      try {
        return apply(work, this, args);
      } catch (error) {
        // Errors of a callback would reach the page as events.
        if (isQuiet) return undefined;
        try {
          if (typeof error === "object" && error !== null && "fileName" in error) error.fileName = "";
        } catch {
          // The error is a value of the page.
        }
        throw error;
      }
    }
    return /** @type {typeof work} */ (/** @type {unknown} */ (wrapped));
  };

  globalThis.gomaaErrors = { withoutFile };
})();
//# sourceURL=gomaa-errors.js
