/**
 * The views before a song's terms are read, and after the extension was updated or removed.
 */

import { fill, h } from "../ui/dom.js";
import { t } from "../ui/text.js";
import { head } from "./parts.js";

/** Creates the view of a song that loads. @returns {import("./view.js").View} */
export function loadingView() {
  const body = h("div", { class: "body", "aria-busy": "true" });
  return {
    nodes: [body, h("div", { class: "foot" }, h("span", null, t("reading")))],
    update({ terms }) {
      const lines = terms?.title
        ? head(terms, "")
        : h(
            "div",
            { class: "head" },
            head(null, "").firstElementChild,
            h("h1", { class: "vh" }, t("aSong")),
            h("div", { class: "skeleton head-lines" }, h("i"), h("i")),
          );
      fill(body, lines, h("div", { class: "skeleton" }, h("i"), h("i")));
    },
  };
}

/** Creates the text for a frame whose extension was updated or removed. */
export const disconnectedBody = () =>
  h("div", { class: "body" }, h("h1", { class: "title" }, t("reloadTitle")), h("p", { class: "dim" }, t("reloadLead")));
